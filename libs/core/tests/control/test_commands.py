"""What people ask of a broker: what it does, what it refuses, and that a stored book remembers it."""

from __future__ import annotations

import argparse
from decimal import Decimal
from typing import Any

import pytest
from broker_builders import Desk, a_mark, a_rule_book, a_signal, at

from trading_core.broker.book import dump, load
from trading_core.broker.events import CommandApplied, Event, PositionState, StrategyPaused, StrategyResumed
from trading_core.broker.inputs import Place, Rank, Verb
from trading_core.control.command import add_arguments, request_of
from trading_core.control.requests import CommandRefused, Request, checked_limits, command, decode_request
from trading_core.errors import ConfigError

NAMES = ("alpha", "beta")


def a_request(**changes: Any) -> Request:
    return Request(**{"request_id": "r1", "who": "ann", "why": "a test", **changes})


def asked(desk: Desk, verb: Verb, minute: float, **request: Any) -> list[Event]:
    wanted = command(verb, a_request(**request), desk.book, desk.rules, NAMES, Place(at(minute), Rank.EQUITY, ""))
    return desk.apply(wanted)


def test_a_paused_strategy_opens_nothing_until_it_is_resumed() -> None:
    desk = Desk()
    [told, paused] = asked(desk, "pause", 0, strategy="alpha")
    assert isinstance(told, CommandApplied)
    assert (told.event_id, told.ts_ms, told.who, told.why) == ("cm:default:r1", at(0), "ann", "a test")
    assert isinstance(paused, StrategyPaused)
    assert (paused.reason, paused.until_ms) == ("ann: a test", None)
    desk.apply(a_mark(80_000.0, 1))
    assert desk.decide(a_signal("LONG", 1)).reason == "paused"
    assert desk.decide(a_signal("LONG", 1, strategy="beta")).decision == "opened"
    [_, resumed] = asked(desk, "resume", 2, request_id="r2", strategy="alpha")
    assert isinstance(resumed, StrategyResumed)
    desk.apply(a_mark(80_000.0, 3))
    assert desk.decide(a_signal("LONG", 3)).decision == "opened"


def test_everything_is_every_enabled_strategy_and_what_is_so_already_is_only_recorded() -> None:
    desk = Desk()
    assert [type(event) for event in asked(desk, "pause", 0)] == [CommandApplied, StrategyPaused, StrategyPaused]
    assert [type(event) for event in asked(desk, "pause", 1, request_id="r2")] == [CommandApplied]


def test_a_person_closes_one_position_or_all_at_the_mark_of_the_moment() -> None:
    desk = Desk()
    first, second, third = (desk.open_long(strategy=name, minute=0) for name in ("alpha", "beta", "gamma"))
    desk.apply(a_mark(81_000.0, 4))
    closed = [e for e in asked(desk, "close", 5, position=first.position_id) if isinstance(e, PositionState)]
    # 81,000 less 0.05 % is 80,959.5, down to the tick: 80,959.
    assert [(c.position_id, c.exit_reason, c.exit_ms, c.exit_price) for c in closed] == [
        (first.position_id, "manual", at(5), Decimal(80_959))
    ]
    closed = [e for e in asked(desk, "close", 6, request_id="r2") if isinstance(e, PositionState)]
    assert [c.position_id for c in closed] == [second.position_id, third.position_id]


def test_limits_change_while_running_are_remembered_and_go_back() -> None:
    desk = Desk(a_rule_book({"alpha": {"max_positions": 1}}))
    asked(desk, "limits", 0, strategy="alpha", limits=checked_limits({"max_positions": 2, "stop_loss": "0.01"}))
    desk.open_long(asset="BTC")
    desk.book = load(dump(desk.book))
    opened = desk.open_long(price=2_500.0, asset="ETH")
    # 2,500 x 1.0005 = 2,501.25, up to the tick of 0.1: 2,501.3; one per cent below it is 2,476.287.
    assert opened.stop_price == Decimal("2476.287")
    asked(desk, "limits", 1, request_id="r2", strategy="alpha")
    desk.apply(a_mark(150.0, 2, asset="SOL"))
    assert desk.decide(a_signal("LONG", 2, price=150.0, asset="SOL")).reason == "max_positions"


@pytest.mark.parametrize(
    ("verb", "request_changes", "sentence"),
    [
        ("pause", {"strategy": "nobody"}, "there is no enabled strategy nobody. Enabled: alpha, beta."),
        ("close", {"position": "po:x"}, "position po:x is not open. Open: none."),
        (
            "limits",
            {"limits": {"sizing": "fixed"}},
            "sizing cannot be changed while running. Limits are: stake_fraction",
        ),
        ("limits", {"limits": {"max_exposure": "-1"}}, "max_exposure '-1': Input should be greater than or equal to 0"),
        ("limits", {"limits": {"max_positions": None}}, "A limit that cannot be off must have a value."),
    ],
)
def test_what_cannot_be_is_refused_with_a_sentence(verb: Verb, request_changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(CommandRefused) as refused:
        asked(Desk(), verb, 0, **request_changes)
    assert sentence in str(refused.value)


@pytest.mark.parametrize(
    "data",
    [b"", b"{}", b'{"request_id":"r 1","who":"a","why":"b"}', b'{"request_id":"r","who":" ","why":"b"}',
     b'{"request_id":"r","who":"a","why":"' + b"x" * 201 + b'"}', b'{"request_id":"r","who":"a\\nb","why":"c"}'],
)  # fmt: skip
def test_a_request_without_id_who_or_why_is_refused(data: bytes) -> None:
    with pytest.raises(CommandRefused):
        decode_request(data)


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        ("pause", "say one of --strategy NAME"),
        ("pause --all --strategy x", "say one of"),
        ("pause --position po:1", "goes with close only"),
        ("limits --strategy x", "say --set LIMIT=VALUE or --reset"),
        ("limits --strategy x --set max_positions", "is not LIMIT=VALUE"),
        ("limits --strategy x --set max_positions=many", "max_positions 'many'"),
    ],
)
def test_the_command_line_says_what_to_change(words: str, problem: str) -> None:
    with pytest.raises(ConfigError, match=problem):
        request_of(_arguments(words))


def test_limits_on_the_command_line_are_exact() -> None:
    request = request_of(_arguments("limits --all --set stop_loss=0.1 --set timeout_m=null --set max_positions=2"))
    assert request.limits == {"stop_loss": "0.1", "timeout_m": None, "max_positions": 2}


def _arguments(words: str) -> Any:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return parser.parse_args([*words.split(), "--why", "a test"])
