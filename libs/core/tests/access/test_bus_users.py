"""Each user of the bus may do what its service does, and nothing else: measured on a real server, by what it denies."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from repository import ROOT
from trading_core.access import nats_config
from trading_core.access.secrets import NAMES, nats_passwords, nats_secret, new_secret
from trading_core.access.users import USERS
from trading_core.bus.connection import connect
from trading_core.bus.subjects import inbox_prefix
from trading_core.embedded import launch
from trading_core.embedded.nats import NatsServer, binary
from trading_core.testing_servers import OwnServer

HL, PM, RUNNER, BROKER, RECORDER, API = (
    "collector-hl", "collector-pm", "strategy-runner", "paper-broker", "recorder", "api",
)  # fmt: skip
TAP, OPERATOR, PROVISION, BACKUP = "tap", "operator", "provision", "backup"
PEOPLE = {TAP, OPERATOR}

# Subject -> who may publish to it. PROVISION may all of `$JS.API`, so it is named with those only.
PUBLISH: dict[str, set[str]] = {
    "market.hyperliquid.BTC.trade": {HL},
    "book.hyperliquid.BTC": {HL},
    "live.hyperliquid.BTC": {HL},
    "dlq.venue.hyperliquid": {HL},
    "market.polymarket.BTC.prob.0x1": {PM},
    "book.polymarket.BTC.0x1": {PM},
    "dlq.venue.polymarket": {PM},
    "signal.rsi_mean_reversion.hyperliquid.BTC": {RUNNER},
    "grid.hyperliquid.BTC": {RUNNER},
    "lease.runner.BTC": {RUNNER},
    "lease.runner-present.host-1": {RUNNER},
    "lease.other.BTC": set(),
    "exec.fill.default.rsi_mean_reversion.BTC": {BROKER},
    "dlq.SIGNALS.broker": {BROKER},
    "dlq.SIGNALS.rec": {BROKER, RECORDER},
    "dlq.MARKET.rec": {RECORDER},
    "ctl.paper-broker.pause": {API, OPERATOR},
    "replay.market.hyperliquid.BTC.trade": {OPERATOR},
    **{f"heartbeat.{name}.1": {name} for name in (HL, PM, RUNNER, BROKER, RECORDER, API)},
    **{f"ops.{name}.error": {name} for name in (HL, PM, RUNNER, BROKER, RECORDER, API)},
    # What nobody but its own client may say to the server.
    "$JS.ACK.SIGNALS.broker.1.2.3.4.5": {BROKER},
    "$JS.ACK.hub.account.SIGNALS.broker.1.2.3.4.5": {BROKER},
    "$JS.ACK.MARKET.rec.1.2.3.4.5": {RECORDER},
    "$JS.API.CONSUMER.RESET.SIGNALS.broker": {BROKER, PROVISION},
    "$JS.API.CONSUMER.RESET.SIGNALS.rec": {RECORDER, PROVISION},
    "$JS.API.CONSUMER.MSG.NEXT.SIGNALS.broker": {BROKER, PROVISION},
    "$JS.API.CONSUMER.MSG.NEXT.MARKET.rec": {RECORDER, PROVISION},
    "$JS.API.CONSUMER.MSG.NEXT.MARKET.ordered_1": {HL, PM, RUNNER, BROKER, RECORDER, API, PROVISION, *PEOPLE},
    "$JS.API.CONSUMER.CREATE.SIGNALS.broker": {PROVISION},
    "$JS.API.CONSUMER.CREATE.MARKET.rec.market.>": {PROVISION},
    "$JS.API.CONSUMER.INFO.SIGNALS.broker": {BROKER, RECORDER, API, PROVISION, *PEOPLE},
    "$JS.API.CONSUMER.CREATE.MARKET.ordered_1": {HL, PM, RUNNER, BROKER, RECORDER, API, PROVISION, *PEOPLE},
    "$JS.API.CONSUMER.CREATE.EXEC.ordered_1": {RECORDER, API, PROVISION, *PEOPLE},
    "$JS.API.CONSUMER.CREATE.SIGNALS.ordered_1": {RECORDER, API, PROVISION, *PEOPLE},
    "$JS.API.CONSUMER.CREATE.LEASE.ordered_1": {PROVISION},
    "$JS.API.DIRECT.GET.SIGNALS.grid.hyperliquid.BTC": {RUNNER, RECORDER, API, PROVISION, *PEOPLE},
    "$JS.API.DIRECT.GET.EXEC.exec.fill.default.x.BTC": {BROKER, RECORDER, API, PROVISION, *PEOPLE},
    "$JS.API.DIRECT.GET.LEASE.lease.runner.BTC": {RUNNER, PROVISION},
    "$JS.API.DIRECT.GET.BOOK.book.hyperliquid.BTC": {HL, PM, RUNNER, BROKER, RECORDER, PROVISION, *PEOPLE},
    "$JS.API.STREAM.INFO.LEASE": {RUNNER, API, PROVISION, *PEOPLE},
    "$JS.API.STREAM.INFO.MARKET": {RECORDER, API, PROVISION, *PEOPLE},
    "$JS.API.STREAM.MSG.GET.OPS": {PROVISION, *PEOPLE},
    "$JS.API.STREAM.CREATE.OTHER": {PROVISION},
    "$JS.API.STREAM.UPDATE.EXEC": {PROVISION},
    "$JS.API.STREAM.DELETE.EXEC": {PROVISION},
    "$JS.API.STREAM.PURGE.EXEC": {PROVISION},
    "$JS.API.STREAM.PURGE.REPLAY": {OPERATOR, PROVISION},
    "$JS.API.STREAM.MSG.DELETE.OPS": {PROVISION},
    "$JS.API.STREAM.SNAPSHOT.EXEC": {BACKUP, PROVISION},
    "$JS.SNAPSHOT.ACK.EXEC.1": {BACKUP, PROVISION},
    "$JS.API.STREAM.SNAPSHOT.LEASE": {PROVISION},
    "$JS.API.STREAM.RESTORE.EXEC": {PROVISION},
    "$JS.API.CONSUMER.DELETE.SIGNALS.broker": {PROVISION},
    "$JS.API.CONSUMER.PAUSE.SIGNALS.broker": {PROVISION},
    "$JS.API.INFO": {PROVISION, *PEOPLE},
    "$SYS.REQ.SERVER.PING": set(),
    "anything.else": set(),
    **{f"{inbox_prefix(name)}.reply.1": set() for name in USERS},
}
SUBSCRIBE: dict[str, set[str]] = {
    "ctl.paper-broker.*": {BROKER},
    "live.hyperliquid.BTC": {API, *PEOPLE},
    **{subject: set(PEOPLE) for subject in ("market.>", "signal.>", "exec.>", "ops.>", "grid.>")},
    "heartbeat.>": {*PEOPLE, PROVISION},
    "_INBOX.one": {TAP},
    "$JS.API.>": set(),
    "$JS.ACK.>": set(),
    ">": set(),
    **{f"{inbox_prefix(name)}.*": {name} for name in USERS},
}
DENIED = re.compile(r'permissions violation for (\w+) to "([^"]+)"', re.IGNORECASE)


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[tuple[NatsServer, dict[str, str]]]:
    secrets = {name: new_secret() for name in NAMES}
    plan = NatsServer(
        tmp_path / "nats", launch.free_port(), launch.free_port(), secrets[nats_secret(PROVISION)], user=PROVISION,
        authorization=nats_config.with_passwords(secrets),
    )  # fmt: skip
    process = OwnServer(plan, tmp_path / "nats.log")
    process.start()
    yield plan, secrets
    process.kill()


async def denials(url: str, user: str) -> set[tuple[str, str]]:
    """What the server says no to, as (verb, subject in lower case), of every probe once."""
    heard: list[str] = []
    bus = await connect(url, name=f"{user}/1", on_error=lambda error: heard.append(str(error)))
    for subject in PUBLISH:
        await bus.nc.publish(subject, b"")
    for subject in SUBSCRIBE:
        await bus.nc.subscribe(subject)
    await asyncio.sleep(0)  # else the PING overtakes what is buffered
    await bus.nc.flush()
    await bus.close()
    return {(found[1].lower(), found[2].lower()) for text in heard if (found := DENIED.search(text))}


async def test_each_user_may_do_exactly_this(server: tuple[NatsServer, dict[str, str]]) -> None:
    plan, secrets = server
    wrong = {}
    for user in USERS:
        found = await denials(plan.url_of(user, secrets[nats_secret(user)]), user)
        wanted = {("publish", subject.lower()) for subject, users in PUBLISH.items() if user not in users}
        wanted |= {("subscription", subject.lower()) for subject, users in SUBSCRIBE.items() if user not in users}
        if difference := found ^ wanted:
            wrong[user] = sorted(difference)
    assert not wrong


def test_the_table_names_every_user() -> None:
    assert set().union(*PUBLISH.values()) == set(USERS)


@pytest.fixture
def compose(tmp_path: Path) -> Path:
    """The committed file behind the passwords that the generator writes, as the container sees them."""
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets/passwords.conf").write_text(nats_passwords({name: new_secret() for name in NAMES}))
    (tmp_path / "users.conf").write_text((ROOT / "deploy/nats/users.conf").read_text())
    config = tmp_path / "nats.conf"
    config.write_text('include "users.conf"\n')
    return config


async def test_the_committed_file_is_the_one_of_this_code_and_a_server_takes_it(compose: Path) -> None:
    assert (ROOT / "deploy/nats/users.conf").read_text() == nats_config.with_variables(), (
        "run: python -m trading_core.access.nats_config > deploy/nats/users.conf"
    )
    checked = await asyncio.create_subprocess_exec(str(binary()), "-t", "-c", str(compose), stderr=-1)
    _, said = await checked.communicate()
    assert checked.returncode == 0, said.decode()
