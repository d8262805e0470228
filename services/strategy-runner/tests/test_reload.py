"""A changed file is taken over at a grid point, if it works; else the version before goes on."""

from __future__ import annotations

from pathlib import Path

import pytest
from market_recording import ASSETS, a_recording
from runner_streams import all_of, heartbeat, on_ops, publish

from repository import ROOT
from trading_core.bus.connection import Bus
from trading_core.messages import SignalMessage
from trading_core.strategy.files import code_hash
from trading_core.testing import eventually
from trading_core.testing_servers import ServiceAt

pytestmark = pytest.mark.integration

PARENT = """
from trading_core.strategy import Direction, MarketSnapshot, Signal, Strategy

from .level import LEVEL


class Base(Strategy):
    def evaluate(self, snapshot: MarketSnapshot) -> Signal | None:
        return self.signal(snapshot, Direction.LONG, LEVEL, version=self.version())

    def version(self) -> str:
        return "{version}"
"""
CHILD = '''
from my_strategies.family.base import Base
from trading_core.strategy import register


@register
class Child(Base):
    """Inherits from another folder."""

    name = "child"
    interval = "1m"
'''


def write(folder: Path, version: str, level: str = "0.6") -> None:
    """A strategy, its parent class in another folder, and a helper of that."""
    files = {
        "child/__init__.py": "", "child/strategy.py": CHILD, "child/config.yaml": "enabled: true\n",
        "family/__init__.py": "", "family/base.py": PARENT.format(version=version),
        "family/level.py": f"LEVEL = {level}\n",
    }  # fmt: skip
    for path, text in files.items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        if not file.exists() or file.read_text() != text:
            file.write_text(text)


async def test_changes_are_taken_over_at_a_grid_point_and_only_if_they_work(
    bus: Bus, service_at: ServiceAt, tmp_path: Path
) -> None:
    folder = tmp_path / "my_strategies"
    write(folder, "one")
    config = (ROOT / "config.yaml").read_text().split("\nstrategies:\n")[0]
    (tmp_path / "config.yaml").write_text(config)
    recording = a_recording(seed=6)
    runner = service_at(
        "strategy_runner", "runner_ro",
        TRADING_RUNNER__STRATEGIES_DIR=str(folder), TRADING_CONFIG=str(tmp_path / "config.yaml"),
    )  # fmt: skip
    runner.start()
    hashes = {"one": code_hash(folder / "child")}

    async def phase(number: int) -> None:
        await publish(bus, recording, number * 10, number * 10 + 10)
        await all_of(bus, recording, number * 10 + 10)

    async def taken_over(version: str) -> None:
        hashes[version] = code_hash(folder / "child")

        async def told() -> bool:
            events = await on_ops(bus)
            return any(e.event == "reload" and e.body["code_hash"] == hashes[version] for e in events)

        await eventually(told)

    await phase(0)
    write(folder, "two")  # the parent class, in another folder
    await taken_over("two")
    await phase(1)

    write(folder, "two", level="1 / 0")  # a helper that cannot be imported
    await eventually(lambda: refused(bus, "ZeroDivisionError"))
    assert "ZeroDivisionError" in (await eventually(lambda: not_reloaded(bus)))["child"]
    await phase(2)

    write(folder, "two", level="'high'")  # it imports, but does not evaluate
    await eventually(lambda: refused(bus, "could not convert string to float: 'high'"))
    await phase(3)

    write(folder, "six", level="0.7")
    await taken_over("six")
    await phase(4)
    assert (await heartbeat(bus)).status in ("ok", "degraded")  # the next one says ok again
    await eventually(lambda: is_ok(bus))
    assert runner.terminate() == 0

    said = [m for m in await all_of(bus, recording, 50) if isinstance(m, SignalMessage)]
    assert len(said) == 50 * len(ASSETS)
    for asset in ASSETS:
        mine = sorted((m for m in said if m.asset == asset), key=lambda m: m.ts)
        versions = [m.metadata["version"] for m in mine]
        assert versions == ["one"] * 10 + ["two"] * 30 + ["six"] * 10
        assert [m.code_hash for m in mine] == [hashes[version] for version in versions]
        assert mine[-1].confidence == 0.7


async def refused(bus: Bus, words: str) -> bool:
    return any(e.event == "error" and words in e.body["traceback"] for e in await on_ops(bus))


async def not_reloaded(bus: Bus) -> dict[str, str] | None:
    found: dict[str, str] | None = (await heartbeat(bus)).detail.get("not_reloaded")
    return found


async def is_ok(bus: Bus) -> bool:
    return (await heartbeat(bus)).status == "ok"
