"""Assets are shared out by leases, and pass to another runner when theirs is gone."""

from __future__ import annotations

import asyncio
import random
import time
from pathlib import Path

import pytest
from market_recording import ASSETS, LIVE, START, Recording, a_recording
from runner_streams import all_of, enabled, heartbeat, on_signals, publish, said_by_the_core

from strategy_runner.leases import TTL_S, Leases
from trading_core import messages
from trading_core.bus.connection import Bus, connect
from trading_core.bus.provision import provision
from trading_core.embedded import launch
from trading_core.embedded.nats import NatsServer
from trading_core.messages import GridMessage
from trading_core.model import MINUTE_MS
from trading_core.testing import eventually
from trading_core.testing_servers import OwnServer, ServiceAt, ServiceProcess

pytestmark = pytest.mark.integration
THREE = ("BTC", "ETH", "SOL")
TAKE_OVER_LIMIT_S = 7.0


async def turns(*runners: Leases, rounds: int = 3) -> None:
    for _ in range(rounds):
        for runner in runners:
            await runner.turn()


async def test_one_has_all_and_shares_with_those_that_come(bus: Bus) -> None:
    one, two, three = (Leases(bus, name, THREE) for name in ("one", "two", "three"))
    await turns(one)
    assert one.held == THREE
    await turns(one, two)
    assert sorted(one.held + two.held) == sorted(THREE)
    assert {len(one.held), len(two.held)} == {1, 2}
    await turns(one, two, three)
    assert [len(runner.held) for runner in (one, two, three)] == [1, 1, 1]
    assert sorted(one.held + two.held + three.held) == sorted(THREE)


@pytest.mark.alone
async def test_what_is_released_is_free_at_once(bus: Bus) -> None:
    one, two = Leases(bus, "one", THREE), Leases(bus, "two", THREE)
    await turns(one, two)
    await one.release()

    async def all_mine() -> bool:
        await two.turn()
        return two.held == THREE

    await eventually(all_mine, timeout=3)


async def test_a_lease_that_is_not_renewed_is_taken_and_its_holder_hears_of_it(bus: Bus) -> None:
    one, two = Leases(bus, "one", THREE), Leases(bus, "two", THREE)
    await turns(one)
    await two.turn()
    assert two.held == ()
    began = time.monotonic()

    async def all_mine() -> bool:
        await two.turn()
        return two.held == THREE

    await eventually(all_mine)
    assert time.monotonic() - began > TTL_S - 1, "not before it has expired"
    await one.turn()
    assert set(one.held).isdisjoint(two.held), "a process that was stopped gives way when it wakes"


async def test_who_returns_under_its_name_does_not_wait_for_itself(bus: Bus) -> None:
    await turns(Leases(bus, "one", THREE))
    again = Leases(bus, "one", THREE)
    await again.turn()
    assert again.held == THREE


async def test_a_pinned_runner_takes_its_asset_and_the_others_share_the_rest(bus: Bus) -> None:
    shared, pinned = Leases(bus, "one", THREE), Leases(bus, "two", THREE, pinned=("BTC",))
    await turns(shared)
    assert pinned.held == ("BTC",)
    await turns(pinned, shared)
    assert (shared.held, pinned.held) == (("ETH", "SOL"), ("BTC",))
    twin = Leases(bus, "three", THREE, pinned=("BTC",))
    await turns(pinned, twin, shared)
    assert (shared.held, pinned.held, twin.held) == (("ETH", "SOL"), ("BTC",), ("BTC",))


MAY_NOT_LEASE = """
authorization { users: [
    { user: provision, password: for-this-test }
    { user: strategy-runner, password: for-this-test, permissions: { publish: { deny: "lease.>" } } }
] }
"""


async def test_a_runner_that_may_not_take_a_lease_says_so_and_ends(tmp_path: Path, service_at: ServiceAt) -> None:
    """A denied publish is never answered: without this the runner would try for ever and evaluate nothing."""
    plan = NatsServer(
        tmp_path / "nats", launch.free_port(), launch.free_port(), "for-this-test",
        user="provision", authorization=MAY_NOT_LEASE,
    )  # fmt: skip
    server = OwnServer(plan, tmp_path / "nats.log")
    server.start()
    try:
        own = await connect(plan.url, name="test/1")
        await provision(own)
        await own.close()
        url = plan.url_of("strategy-runner", "for-this-test")
        runner = service_at("strategy_runner", "runner_ro", TRADING_NATS__URL=url)
        runner.start()
        assert await eventually(runner.ended) == 2
        assert runner.said("NATS does not let this user publish to lease.runner-present.")
    finally:
        server.kill()


class Pace:
    """Publishes minute after minute beside the test; `published` counts them."""

    def __init__(self, bus: Bus, recording: Recording, minutes_per_s: float) -> None:
        self.published = 0
        self._bus, self._recording, self._wait_s = bus, recording, 1 / minutes_per_s

    async def run(self) -> None:
        while self.published < LIVE:
            await self.step()
            await asyncio.sleep(self._wait_s)

    async def step(self) -> None:
        """The next minute; with the first one all that came before."""
        await publish(self._bus, self._recording, self.published, self.published + 1)
        self.published += 1


def three_runners(service_at: ServiceAt) -> dict[str, ServiceProcess]:
    return {name: service_at("strategy_runner", "runner_ro", TRADING_INSTANCE=name) for name in ("a", "b", "c")}


async def test_three_runners_of_which_one_is_killed_again_and_again_say_the_same(
    bus: Bus, service_at: ServiceAt
) -> None:
    """The short form: 20 seconds, one killed every 7 and started again 3 later. Five minutes of it are `long`."""
    recording = a_recording(seed=7)
    recorder = service_at("recorder", "recorder")
    runners = three_runners(service_at)
    for process in (recorder, *runners.values()):
        process.start()
    pace = Pace(bus, recording, minutes_per_s=9)
    publishing = asyncio.create_task(pace.run())
    chance = random.Random(8)
    before = dict.fromkeys(runners, 0)
    while not publishing.done():
        await asyncio.wait({publishing}, timeout=4)
        name = chance.choice(sorted(runners))
        runners[name].kill()
        await asyncio.wait({publishing}, timeout=3)
        before[name] = runners[name].times_said("service_started")
        runners[name].start()
    await publishing
    said = await all_of(bus, recording)
    assert len(said) == len({m.id for m in said})
    assert {m.id: messages.encode(m).decode() for m in said} == said_by_the_core(recording, enabled())
    # Only then does it hear a signal.
    await eventually(lambda: all(one.times_said("service_started") > before[name] for name, one in runners.items()))
    assert [runner.terminate(limit_s=20) for runner in runners.values()] == [0, 0, 0]


async def test_two_runners_pinned_to_the_same_assets_give_one_signal_each(bus: Bus, service_at: ServiceAt) -> None:
    recording = a_recording(seed=9)
    runners = [
        service_at("strategy_runner", "runner_ro", TRADING_INSTANCE=name, RUNNER_ASSETS="BTC,ETH,SOL") for name in "ab"
    ]
    for runner in runners:
        runner.start()
    await publish(bus, recording)
    said = await all_of(bus, recording)
    assert len(said) == len({m.id for m in said})
    assert {m.id: messages.encode(m).decode() for m in said} == said_by_the_core(recording, enabled())
    for runner in runners:
        assert runner.terminate() == 0


@pytest.mark.alone
async def test_a_dead_runner_is_replaced_within_seven_seconds(bus: Bus, service_at: ServiceAt) -> None:
    recording = a_recording(seed=10)
    recorder = service_at("recorder", "recorder")
    runners = three_runners(service_at)
    for process in (recorder, *runners.values()):
        process.start()
    pace = Pace(bus, recording, minutes_per_s=4)
    await pace.step()

    async def shared() -> dict[str, str] | None:
        assets = {name: (await heartbeat(bus, name)).detail.get("assets", []) for name in runners}
        held = {asset: name for name, mine in assets.items() for asset in mine}
        return held if sorted(len(mine) for mine in assets.values()) == [1, 1, 1] and set(held) == set(ASSETS) else None

    holders = await eventually(shared, timeout=90)
    publishing = asyncio.create_task(pace.run())
    await all_of(bus, recording, 8)
    at = START + pace.published * MINUTE_MS
    killed_at = time.monotonic()
    runners[holders["BTC"]].kill()

    async def evaluated_again() -> bool:
        return any(isinstance(m, GridMessage) and m.asset == "BTC" and m.ts > at for m in await on_signals(bus))

    await eventually(evaluated_again, timeout=30)
    took_s = time.monotonic() - killed_at
    print(f"taken over after {took_s:.1f} s")
    assert took_s < TAKE_OVER_LIMIT_S
    publishing.cancel()
