"""A day replayed by itself, from what was known when it began: as good as a replay from the very first grid point."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest
from market_recording import START
from parity_run import EVENING, MIDNIGHT, Part, Run

from trading_core.broker import book as books
from trading_core.messages import SignalMessage
from trading_core.model import DAY_MS, MINUTE_MS
from trading_core.parity.recording import Span
from trading_core.parity.starts import parts


async def two_days(run: Run) -> tuple[Part, Part]:
    """The evening of one day and the morning of the next: grid points up to 23:59, and from 00:00 on."""
    [evening, morning] = await run.parts()
    assert evening.span.last_ms == MIDNIGHT - MINUTE_MS
    assert morning.span.first_ms == MIDNIGHT
    return evening, morning


async def test_each_day_replays_by_itself_without_a_difference_in_either_order() -> None:
    run = Run(start=EVENING)
    evening, morning = await two_days(run)
    assert books.load(morning.start.book or b"").positions, "the morning begins with open positions"
    assert evening.live.fills
    assert morning.live.fills
    for part in (evening, morning):
        recorded, ideal = await run.replayed(part.live, part=part), await run.ideal(part.live, part=part)
        assert (recorded.differences, ideal.differences) == ([], [])
        assert recorded.compared["fills"] == len(part.live.fills)
    assert (await run.replayed(evening.live, part=evening)).compared["checkpoints"] == 1


async def test_a_day_costs_that_day_only() -> None:
    run = Run(start=EVENING)
    _, morning = await two_days(run)
    report = await run.replayed(morning.live, part=morning)
    assert report.compared["equity"] == morning.span.minutes == 91


async def test_what_is_planted_in_a_day_is_found_in_that_day_and_in_no_other() -> None:
    run = Run(start=EVENING)
    evening, morning = await two_days(run)
    id, text = next(iter(morning.live.fills.items()))
    morning.live.fills[id] = text.replace("0", "1", 1)
    assert [d.id for d in (await run.replayed(morning.live, part=morning)).differences] == [id]
    assert (await run.replayed(evening.live, part=evening)).differences == []


async def test_a_checkpoint_that_is_not_what_the_day_gives_is_found() -> None:
    run = Run(start=EVENING)
    evening, _ = await two_days(run)
    assert evening.live.ended_with is not None
    evening.live.ended_with.book.realised += 1
    [difference] = (await run.replayed(evening.live, part=evening)).differences
    assert difference.kind == "checkpoints"


async def test_a_signal_of_yesterday_that_is_applied_today_belongs_to_both_days() -> None:
    """Yesterday it is missing with a cause, today it is applied in its place."""
    run = Run(start=EVENING, late_by=30, late_from=MIDNIGHT - 20 * MINUTE_MS)
    evening, morning = await two_days(run)
    assert morning.live.late
    assert not evening.live.late
    [signal_id] = evening.live.late_ids
    for part in (evening, morning):
        assert (await run.replayed(part.live, part=part)).differences == []
        report = await run.ideal(part.live, part=part)
        roots = [(d.id, d.cause) for d in report.differences if d.root]
        assert roots == [(f"d:default:{signal_id}", "late_signal")]


@pytest.mark.parametrize("skipped", [(-2, -1, 0, 1), (-3, -2, -1)], ids=["goes on", "ends"])
async def test_an_exchange_that_is_skipped_at_midnight_replays_from_there(skipped: tuple[int, ...]) -> None:
    """What it sent after its last watermark is held back, and is not forgotten by the checkpoint."""
    skips = {MIDNIGHT + minute * MINUTE_MS: MIDNIGHT - 4 * MINUTE_MS for minute in skipped}
    run = Run(start=EVENING, skips=skips)
    evening, morning = await two_days(run)
    for part in (evening, morning):
        assert (await run.replayed(part.live, part=part)).differences == []
        report = await run.ideal(part.live, part=part)
        assert {d.cause for d in report.differences if d.root} <= {"skip"}
        assert report.unexplained == 0
        assert report.differences or part is morning


async def test_a_strategy_that_failed_yesterday_stays_failed_today() -> None:
    run = Run(start=EVENING)
    _, morning = await two_days(run)
    failed = [replace_reason(signal) for signal in morning.start.newest if signal.strategy == "funding_arb"]
    start = replace(morning.start, newest=failed)
    report = await run.replayed(morning.live, part=replace(morning, start=start))
    again = [d for d in report.differences if d.kind == "signals" and d.replay is not None]
    assert again
    assert all('"reason":"failed"' in (d.replay or "") for d in again)


def replace_reason(signal: SignalMessage) -> SignalMessage:
    return msgspec.structs.replace(signal, direction="PASS", reason="failed")


async def test_evaluations_without_a_signal_that_are_no_longer_kept_are_not_missed() -> None:
    run = Run()
    live = await run.live()
    kept_from = run.span.first_ms + 60 * MINUTE_MS
    for ts in [ts for ts in live.signals if ts < kept_from]:
        live.signals[ts] = {id: s for id, s in live.signals[ts].items() if s.direction != "PASS"}
    assert (await run.replayed(live)).differences
    live.passes_from_ms = kept_from
    assert (await run.replayed(live)).differences == []
    assert (await run.ideal(live)).differences == []


async def test_an_announcement_that_is_missing_or_out_of_order_is_found() -> None:
    run = Run()
    live = await run.live()
    gone = live.announced.pop(10)
    [missing] = (await run.replayed(live)).differences
    assert (missing.kind, missing.id, missing.live) == ("announcements", gone.id, None)
    live = await run.live()
    one, two = live.announced[10], live.announced[11]
    live.announced[10] = msgspec.structs.replace(one, outbox_id=two.outbox_id)
    live.announced[11] = msgspec.structs.replace(two, outbox_id=one.outbox_id)
    assert [d.kind for d in (await run.replayed(live)).differences] == ["order"]


DAYS = [START + DAY_MS * n for n in range(1, 4)]
WHOLE = Span("default", 1, START + 2 * 3_600_000, DAYS[2] + 5 * 3_600_000)


@pytest.mark.parametrize(
    ("stored", "from_ms", "begins"),
    [
        (DAYS, None, [WHOLE.first_ms, *DAYS]),  # the whole run, a part a day
        (DAYS, DAYS[1], DAYS[1:]),  # from a midnight on
        (DAYS, DAYS[1] + 3_600_000, DAYS[1:]),  # from an hour on: that whole day is replayed
        (DAYS[2:], DAYS[1], [WHOLE.first_ms, DAYS[2]]),  # its checkpoint is not stored: from the first grid point
        ([], DAYS[2], [WHOLE.first_ms]),
        ([*DAYS, DAYS[2] + DAY_MS], DAYS[2], DAYS[2:]),  # a checkpoint behind the span is not used
    ],
)
def test_a_span_is_replayed_in_parts_from_the_checkpoints_there_are(
    stored: list[int], from_ms: int | None, begins: list[int]
) -> None:
    found = parts(WHOLE, stored, from_ms)
    assert [part.span.first_ms for part in found] == begins
    assert [part.span.last_ms for part in found] == [*(begin - MINUTE_MS for begin in begins[1:]), WHOLE.last_ms]
    assert [part.from_checkpoint for part in found] == [begin in stored for begin in begins]
