"""A run replayed: nothing differs, and whatever was planted in its recording is found and named."""

from __future__ import annotations

from dataclasses import replace

import pytest
from market_recording import START, a_recording
from parity_run import Run

from trading_core import messages
from trading_core.messages import SignalMessage
from trading_core.model import MINUTE_MS


async def test_a_run_replays_without_a_difference_in_either_order() -> None:
    run = Run()
    live = await run.live()
    assert len(live.fills) > 4
    recorded, ideal = await run.replayed(live), await run.ideal(live)
    assert recorded.differences == []
    assert recorded.compared["fills"] == len(live.fills)
    assert ideal.differences == []


@pytest.mark.parametrize("kind", ["decisions", "fills", "funding"])
async def test_a_ledger_row_that_was_touched_is_found(kind: str) -> None:
    run = Run()
    live = await run.live()
    rows: dict[str, str] = getattr(live, kind)
    id, text = next(iter(rows.items()))
    rows[id] = text.replace("0", "1", 1)
    report = await run.replayed(live)
    assert [(d.kind, d.id) for d in report.differences] == [(kind, id)]


async def test_a_ledger_row_too_many_is_found() -> None:
    run = Run()
    live = await run.live()
    live.fills["fl:never:1"] = "{}"
    assert [d.id for d in (await run.replayed(live)).differences] == ["fl:never:1"]


async def test_a_late_signal_replays_in_its_place_and_is_named_as_the_cause_in_ideal_order() -> None:
    run = Run(late_by=3)
    live = await run.live()
    [[signal]] = live.late.values()
    assert isinstance(signal, SignalMessage)
    assert (await run.replayed(live)).differences == []
    report = await run.ideal(live)
    roots = [d for d in report.differences if not d.cause.startswith("follows:")]
    assert report.unexplained == 0
    assert (roots[0].id, roots[0].cause) == (f"d:default:{signal.id}", "late_signal")


async def test_what_a_person_asked_for_replays_in_its_place_in_both_orders() -> None:
    run = Run(paused_at=START + 30 * MINUTE_MS)
    live = await run.live()
    assert {"paused"} <= {m.body.get("reason") for m in live.announced if m.kind == "decision"}
    assert (await run.replayed(live)).differences == []
    assert (await run.ideal(live)).differences == []
    without = replace(live, late={})
    found = (await run.replayed(without)).differences
    assert ("announcements", "cm:default:p1") in {(difference.kind, difference.id) for difference in found}


def test_messages_are_compared_as_they_are_on_the_wire() -> None:
    """The comparison is of bytes: equal structs encode equally."""
    [first, *_] = a_recording(1).backfill
    assert messages.encode(first) == messages.encode(messages.market_data(messages.encode(first), first.visible_ms))
