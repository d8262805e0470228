"""The judge: what it finds, and what it lets pass."""

from __future__ import annotations

from dataclasses import replace

from market_judge import Event, Fault, Gap, Row, Run, judge

# One trade a second for 100 s at speed 1; the venue is silent from 30 s to 50 s.
TRADES = [Event(f"t:{second}", second * 1000, "trades", "BTC") for second in range(100)]
STORED = [Row(event.id, event.time_ms, "trade", "BTC") for event in TRADES]
SILENCE = Fault("stall", 30_000, 50_000)
HOLE = Gap("BTC", "trade", 29_000, 51_000, "lost")


def a_run(**changes: object) -> Run:
    """Everything of the silence is missing and declared lost."""
    kept = [row for row in STORED if not 30_000 <= row.time_ms <= 50_000]
    run = Run(TRADES, kept, [HOLE], [SILENCE], from_ms=0, until_ms=99_000, speed=1.0)
    return replace(run, **changes)  # type: ignore[arg-type]


def test_a_run_with_its_hole_declared_passes() -> None:
    assert judge(a_run()) == []


def test_a_quiet_run_passes_and_what_follows_the_last_watermark_is_not_judged() -> None:
    assert judge(a_run(rows=STORED[:60], gaps=[], faults=[], until_ms=59_500)) == []


def test_what_is_missing_without_a_gap_is_named_by_channel_and_asset() -> None:
    [found] = judge(a_run(gaps=[], faults=[]))
    assert found.startswith("21 x trade of BTC missing and not declared lost, at 30000, 31000")
    for other in (replace(HOLE, channel="bbo"), replace(HOLE, asset="ETH"), replace(HOLE, state="filled")):
        assert any("missing" in one for one in judge(a_run(gaps=[other])))


def test_an_id_stored_twice_is_found() -> None:
    run = a_run()
    [found] = judge(replace(run, rows=[*run.rows, replace(run.rows[0], time_ms=1)]))
    assert found == "1 ids stored more than once: t:0"


def test_what_the_venue_never_had_is_found_but_polls_and_history_are_not() -> None:
    run = a_run()
    more = [
        Row("t:none", 5_000, "trade", "BTC"),
        Row("x:poll", 60_000, "ctx", "BTC", by_rest=True),
        Row("c:before", 0, "candle_1m", "BTC", by_rest=True),
        Row("c:none", 60_000, "candle_1m", "BTC", by_rest=True),
    ]
    assert judge(replace(run, rows=[*run.rows, *more])) == [
        "1 x candle_1m of BTC stored that the venue never had: c:none",
        "1 x trade of BTC stored that the venue never had: t:none",
    ]


def test_what_a_newcomer_was_shown_is_known_but_need_not_be_stored() -> None:
    shown = Event("x:shown", 10_000, "snapshot", "BTC")
    run = a_run(truth=[*TRADES, shown])
    assert judge(run) == []
    assert judge(replace(run, rows=[*run.rows, Row("x:shown", 10_000, "ctx", "BTC")])) == []


def test_candles_may_be_lost_only_while_rest_is_broken() -> None:
    candles = [Event(f"c:{minute}", minute * 60_000, "candle", "BTC") for minute in (0, 1)]
    lost = Gap("BTC", "candle_1m", 29_000, 51_000, "lost")
    run = a_run(truth=[*TRADES, *candles], gaps=[HOLE, lost])
    assert [one for one in judge(run) if "though REST has it" in one]
    broken = Fault("rest_502", 30_000, 50_000)
    assert not [one for one in judge(replace(run, faults=[SILENCE, broken])) if "though REST has it" in one]


def test_a_gap_that_holds_what_is_stored_is_too_wide() -> None:
    # Nothing is missing, and 5 s of slack at each end leave what lies between 30 s and 50 s.
    [found] = judge(a_run(rows=STORED, gaps=[replace(HOLE, from_ms=25_000, to_ms=55_000)]))
    assert "holds 19 that are stored, at 31000, 32000" in found


def test_a_gap_beyond_its_fault_is_found_in_wall_time() -> None:
    # At speed 2 the slack of 5 s is 10 s of venue time: the gap ends 14 s after the fault, 4 s of it too late.
    late = replace(HOLE, to_ms=64_000)
    kept = [row for row in STORED if not 30_000 <= row.time_ms <= 64_000]
    [found] = judge(a_run(rows=kept, gaps=[late], speed=2.0))
    assert found.endswith("exceeds what went wrong: 7.0 s of wall time beyond")
    assert judge(a_run(rows=kept, gaps=[late], speed=2.0, slack_s=7.0)) == []


def test_a_gap_while_nothing_was_wrong_is_found() -> None:
    assert [one for one in judge(a_run(faults=[])) if "nothing was wrong" in one]


def test_faults_that_follow_each_other_may_share_a_gap() -> None:
    halves = [Fault("close", 30_000, 38_000), Fault("refuse", 42_000, 50_000)]
    assert judge(a_run(faults=halves)) == []


def test_a_gap_that_is_still_open_is_found() -> None:
    still = Gap("BTC", "candle_1m", 30_000, None, "open")
    assert judge(a_run(gaps=[HOLE, still])) == ["gap candle_1m of BTC 30000..None open at the end"]
