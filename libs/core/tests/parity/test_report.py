"""Results for people and programs: verdicts, parts put together, fields side by side, the page."""

from __future__ import annotations

import argparse
import json
from collections import Counter
from dataclasses import replace

import pytest
from market_recording import START
from parity_run import Run, settings_with, strategies_and_rules

from trading_core.errors import ConfigError
from trading_core.model import MINUTE_MS
from trading_core.parity import command
from trading_core.parity.page import page
from trading_core.parity.results import Result, Shown, Verdict, changed_fields, result_of, together, verdict
from trading_core.parity.words import sentence


def a_result(**changes: object) -> Result:
    result = Result(
        portfolio="default", order="ideal", first_ms=START, last_ms=START + MINUTE_MS, from_checkpoint=True,
        verdict="identical", compared=Counter(signals=6), causes=Counter(), differences=[], difference_count=0,
        duration_ms=500,
    )  # fmt: skip
    return replace(result, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("order", "differences", "unexplained", "given"),
    [
        ("recorded", 0, 0, "identical"),
        ("recorded", 3, 0, "different"),
        ("ideal", 0, 0, "identical"),
        ("ideal", 3, 0, "explained"),
        ("ideal", 3, 1, "unexplained"),
    ],
)
def test_the_verdict_follows_from_the_order_and_what_was_found(
    order: str, differences: int, unexplained: int, given: Verdict
) -> None:
    assert verdict(order, differences, unexplained) == given  # type: ignore[arg-type]


def test_parts_of_a_span_add_up() -> None:
    gap = Shown("signals", START, "s:1", "gap", None, "{}")
    one = a_result()
    two = a_result(
        last_ms=START + 9 * MINUTE_MS, verdict="explained", causes=Counter(gap=1), differences=[gap], difference_count=1
    )
    both = together([one, two])
    assert (both.first_ms, both.last_ms, both.verdict) == (START, START + 9 * MINUTE_MS, "explained")
    assert (both.compared["signals"], both.difference_count, both.duration_ms) == (12, 1, 1_000)
    assert both.days == [one, two]
    assert f"<td>{two.period}</td>" in page([both])


def test_what_nothing_excuses_comes_first_and_consequences_last() -> None:
    causes = ("follows:s:1", "config_changed", "unexplained", "config_changed", "different")
    parts = [
        a_result(differences=[Shown("signals", START, f"s:{n}", cause, None, "{}")]) for n, cause in enumerate(causes)
    ]
    assert [one.id for one in together(parts).differences] == ["s:2", "s:4", "s:1", "s:3", "s:0"]


def test_only_the_fields_that_differ_stand_side_by_side() -> None:
    live = json.dumps({"id": "d:1", "body": {"ts_ms": 1_759_968_000_000, "price": "1", "late": False}})
    replayed = json.dumps({"id": "d:1", "body": {"ts_ms": 1_759_968_060_000, "price": "1"}})
    assert changed_fields(live, replayed) == [
        ("body.ts_ms", "1759968000000 (2025-10-09 00:00:00)", "1759968060000 (2025-10-09 00:01:00)"),
        ("body.late", "false", "—"),
    ]
    assert changed_fields("total_equity=1 open_positions=2", "total_equity=3 open_positions=2") == [
        ("total_equity", "1", "3")
    ]


async def test_the_page_says_the_verdict_the_causes_and_what_to_do() -> None:
    live = await Run().live()
    run = Run()
    _, run.rules = strategies_and_rules(settings_with(broker={"stake_fraction": "0.03"}))
    report = await run.ideal(live)
    result = result_of(report, from_checkpoint=False, duration_ms=1_000, code_version="0.1.0 abc")
    text = page([result])
    assert sentence(result) in text
    assert "settings are not those of the run" in text
    assert "Expected after a change of settings" in text
    assert "<td>body.rules.stake_fraction</td>" in text
    assert 'src="' not in text, "it loads nothing"


def parse(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    return parser.parse_args(words)


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["--loop"], "--loop goes with --nightly"),
        (["--from", "2026-11-21", "--to", "2026-11-20"], "--to 2026-11-20T00:00 is not after --from 2026-11-21T00:00"),
        (["--from", "2026-11-21", "--to", "2026-11-21"], "is not after"),
        (["--html", "no/such/folder/parity.html"], "there is no folder no/such/folder"),
    ],
)
def test_what_makes_no_sense_is_one_line(words: list[str], line: str) -> None:
    with pytest.raises(ConfigError, match=line):
        command.run(parse(*words))
