"""Profile demo as containers: trades, scales, survives kills, agrees with its replay, and comes back as it was.

Built images are needed (`docker compose build`). By hand: pytest -m long tests/compose
"""

from __future__ import annotations

import json
import re
import shlex
import time
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import pytest

from compose_stack import IMAGES, PROJECT, Stack, daemon
from repository import ROOT
from secret_scan import secrets_in
from trading_core.access.secrets import FILES, NAMES
from trading_core.testing import eventually

pytestmark = [pytest.mark.long, pytest.mark.timeout(3600)]
KILLED = ("recorder", "paper-broker", "strategy-runner", "collector-hl", "api")
RESTARTED = (*KILLED, "collector-pm", "nats", "postgres")
PATIENCE_S = 600
IN_A_SENTENCE = re.compile(r"`docker compose ((?:logs|ps|exec|restart|run|stop|up -d)\b[^`]*)`")
T = TypeVar("T")
LEDGER = """
SELECT 'position', event_id, version, status, quantity, realised_pnl::text FROM trading_paper.positions
UNION ALL SELECT 'equity', ts::text, open_positions, '', total_equity, unrealised_pnl::text
          FROM trading_paper.mark_to_market
UNION ALL SELECT 'checkpoint', key, rank, '', visible_ms, '' FROM trading_paper.checkpoints
UNION ALL SELECT 'outbox', '', 0, '', max(id), count(*) FILTER (WHERE sent_at IS NULL)::text FROM trading_paper.outbox
ORDER BY 1, 2
"""


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    made = Stack(daemon(), tmp_path_factory.mktemp("compose") / "log", speed=150)
    try:
        yield made
    finally:
        made.compose("logs", "--no-color", "--tail", "200")
        made.compose("down", "-v", "--remove-orphans")


async def patiently(probe: Callable[[], T | None]) -> T:
    """`eventually`, at the pace of questions that each cost a process in a container, or one of the API's limit."""

    def slowly() -> T | None:
        time.sleep(2)
        return probe()

    return await eventually(slowly, PATIENCE_S)


def runners(stack: Stack) -> dict[str, list[str]]:
    """Assets by instance, of those that were heard a moment ago."""
    rows = stack.ask_postgres(
        "SELECT instance || ' ' || coalesce(detail -> 'assets', '[]') FROM trading_ops.heartbeats "
        "WHERE service = 'strategy-runner' AND sent_at > now() - interval '20 s'"
    )
    return {name: json.loads(assets) for name, _, assets in (row.partition(" ") for row in rows.splitlines())}


def cursors(stack: Stack) -> dict[str, Any]:
    """The last sequence of each stream and how far each durable has acknowledged."""
    url = "http://nats:8222/jsz?streams=1&consumers=1&config=1"
    ask = f"import urllib.request as request; print(request.urlopen('{url}').read().decode())"
    code, said = stack.run("exporter", "python", "-c", ask)
    assert code == 0, said
    streams = json.loads(said)["account_details"][0]["stream_detail"]
    return {
        stream["name"]: [
            stream["state"]["last_seq"],
            {
                one["name"]: one["ack_floor"]["stream_seq"]
                for one in stream.get("consumer_detail") or []
                if one["config"].get("durable_name")
            },
        ]
        for stream in streams
        if stream["name"] in ("MARKET", "BOOK", "SIGNALS", "EXEC")
    }


async def trades_on(stack: Stack) -> None:
    """Returns once a position more is closed than now."""
    closed = "SELECT count(*) FROM trading_paper.positions WHERE status = 'CLOSED'"
    before = int(stack.ask_postgres(closed))

    await patiently(lambda: int(stack.ask_postgres(closed)) > before)


def shared_by(stack: Stack) -> list[str]:
    """Whatever any runner says that it holds."""
    return sorted(asset for mine in runners(stack).values() for asset in mine)


async def a_pinned_runner_takes_its_asset(stack: Stack) -> None:
    """And those that share have the others, and BTC again once it is gone."""
    before = {one.id for one in stack.containers("strategy-runner")}
    stack.compose("run", "-d", "-e", "RUNNER_ASSETS=BTC", "strategy-runner")
    [pinned] = [one for one in stack.containers("strategy-runner") if one.id not in before]

    def taken() -> bool:
        found = runners(stack)
        mine = found.pop(pinned.id[:12], [])
        return mine == ["BTC"] and sorted(asset for assets in found.values() for asset in assets) == ["ETH", "SOL"]

    await patiently(taken)
    pinned.remove(force=True)
    await patiently(
        lambda: sorted(asset for held in runners(stack).values() for asset in held) == ["BTC", "ETH", "SOL"]
    )


async def quiet(stack: Stack) -> tuple[str, dict[str, Any]]:
    """Ledger and cursors once neither moves any more."""
    seen: list[tuple[str, dict[str, Any]]] = []

    def still() -> tuple[str, dict[str, Any]] | None:
        time.sleep(3)
        seen.append((stack.ask_postgres(LEDGER), cursors(stack)))
        return seen[-1] if len(seen) > 3 and seen[-1] == seen[-2] == seen[-3] else None

    return await patiently(still)


async def test_the_demo_trades_survives_and_comes_back_as_it_was(stack: Stack) -> None:
    stack.up()
    await patiently(lambda: stack.get("/api/trades")["trades"])

    stack.compose("up", "-d", "--no-recreate", "--pull", "never", "--scale", "strategy-runner=3", "strategy-runner")

    def shared_out() -> bool:
        """Heartbeats tell what was true some seconds ago, so for a moment two may name the same asset."""
        found = runners(stack)
        assets = sorted(asset for mine in found.values() for asset in mine)
        return len(found) == 3 and all(found.values()) and assets == ["BTC", "ETH", "SOL"]

    await patiently(shared_out)

    await a_pinned_runner_takes_its_asset(stack)
    for service in RESTARTED:
        stack.restart(service)
    await trades_on(stack)

    before = {one.id: one.attrs["RestartCount"] for one in stack.containers()}
    for service in KILLED:
        stack.kill(stack.containers(service)[0])
    [server] = stack.containers("nats")
    server.kill("SIGKILL")
    server.start()

    def back() -> bool:
        again = {one.id: one for one in stack.containers()}
        restarted = sum(one.attrs["RestartCount"] > before.get(one.id, 0) for one in again.values())
        health = {one.attrs["State"].get("Health", {}).get("Status", "healthy") for one in again.values()}
        return restarted >= len(KILLED) and health == {"healthy"}

    await patiently(back)
    await trades_on(stack)

    stack.compose("stop", "venue-sim", "collector-hl", "collector-pm")
    ledger, positions = await quiet(stack)
    for check in ("audit", "parity"):
        code, said = stack.run("parity", "python", "-m", "trading_core", check)
        assert code == 0, f"{said}\nkept to look at: {stack.keep_evidence()}"

    stack.compose("down")
    stack.up("nats", "postgres", "recorder", "paper-broker", "api", "exporter")
    ledger_again, positions_again = await quiet(stack)
    assert ledger_again == ledger
    assert {name: one[0] for name, one in positions_again.items()} == {name: one[0] for name, one in positions.items()}
    assert positions_again == positions


def test_the_commands_of_the_documentation_work(stack: Stack) -> None:
    """Those within sentences; NAME is one of the services."""
    stack.up()
    pages = [*(ROOT / "docs" / "runbooks").glob("*.md"), ROOT / "docs" / "how-to" / "run-in-containers.md"]
    commands = {words for page in pages for words in IN_A_SENTENCE.findall(page.read_text())}
    assert len(commands) > 15
    for words in sorted(commands):
        if words != "up -d" or stack.has_grafana():
            stack.compose(*shlex.split(words.replace("NAME", "recorder")))


def test_no_secret_is_in_a_log_or_an_image(stack: Stack) -> None:
    """After all that happened above: what was generated at the first start is said nowhere."""
    values = stack.secrets()
    assert len(values) == len(NAMES)
    assert secrets_in([b"0" + sorted(values)[0].encode()], values), "what is there is found"
    assert not secrets_in(stack.logs(), values)
    for image in IMAGES:
        assert not secrets_in(stack.image(image), values), image


def test_no_container_holds_a_right_that_it_does_not_need(stack: Stack) -> None:
    """As the daemon has them, not as the file says."""
    stack.up("nats", "postgres", "recorder", "api")
    for container in stack.containers():
        host = container.attrs["HostConfig"]
        assert host["ReadonlyRootfs"] is True, container.name
        assert host["CapDrop"] == ["ALL"], container.name
        assert host["SecurityOpt"] == ["no-new-privileges:true"], container.name
        assert host["PidsLimit"], container.name
        assert host["Memory"], container.name
        if container.labels["com.docker.compose.service"] not in ("nats", "postgres", "prometheus"):
            assert container.attrs["Config"]["User"] == "10001:10001", container.name
        for bindings in (host["PortBindings"] or {}).values():
            assert [binding["HostIp"] for binding in bindings] == ["127.0.0.1"], container.name


def test_a_container_sees_its_own_password_and_no_other(stack: Stack) -> None:
    stack.up("nats", "postgres", "recorder", "api")
    for service in ("recorder", "api"):
        shown = "cat /run/secrets/database_password; ls /run/secrets"
        code, said = stack.run(service, "sh", "-c", shown)
        assert code == 0, said
        password, *files = said.split()
        assert set(files) == {path.name for path in FILES if path.parent.name == service}
        everything = json.dumps([one.attrs for one in stack.containers()])
        assert password not in everything, f"a password stands in the settings of a container of {PROJECT}"
