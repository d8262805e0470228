"""Whether the books in the stream are those of the venue, by the venue's own truth log. Pure.

Every state of a book is in the stream, or was replaced within half a second, or lies in a hole that was declared;
nothing else is in the stream; and every hole lies where something went wrong.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from trading_core.messages import AnyMessage, BookMessage, GapMessage, MarketMessage, WatermarkMessage
from trading_core.model import MINUTE_MS

REPLACED_MS = 500
SLACK_S = 5.0
"""How much earlier than what went wrong a hole may begin, or later end, in wall time."""
State = tuple[str, int, str]
"""Market, time of the change, digest of the levels: as in the id of a message."""


@dataclass(frozen=True)
class Verdict:
    missing: list[State]
    extra: list[str]
    """Ids of books that the venue never had."""
    beyond: list[tuple[int, int]]
    """Holes where nothing went wrong."""


def judge(
    truth: Iterable[dict[str, Any]], messages: Sequence[AnyMessage], from_ms: int, until_ms: int, speed: float
) -> Verdict:
    """`truth`: lines of the log; `messages`: of both streams. Judged is what the venue did in (from, until]."""
    lines = list(truth)
    states = [_state(line["id"]) for line in lines if line["channel"] == "market_book"]
    holes = sorted({(one.from_ms, one.to_ms or 0) for one in messages if isinstance(one, GapMessage)})
    books = [one for one in messages if isinstance(one, BookMessage)]
    have = {(one.market, one.book_time_ms, _state(one.id)[2]) for one in books}
    missing = [
        state
        for state in _lasting(states)
        if from_ms < state[1] <= until_ms and state not in have and not _inside(holes, state[1])
    ]
    known, first_ms = set(states), min((state[1] for state in states), default=0)
    extra = [
        one.id
        for one in books
        if one.book_time_ms >= first_ms
        and (one.bids or one.asks)
        and (one.market, one.book_time_ms, _state(one.id)[2]) not in known
        and not _inside(holes, one.event_time_ms)
    ]
    return Verdict(missing, extra, _beyond(lines, holes, SLACK_S * 1000 * speed))


def check_promises(messages: list[AnyMessage]) -> None:
    """Nothing is visible at or below a watermark that stands before it in the stream, and every minute has one."""
    last = 0
    for message in messages:
        if isinstance(message, WatermarkMessage):
            assert message.watermark_ms > last
            last = message.watermark_ms
        elif isinstance(message, MarketMessage):
            assert message.visible_ms > last, message
            assert message.visible_ms >= message.event_time_ms
    marks = [message.watermark_ms for message in messages if isinstance(message, WatermarkMessage)]
    minutes = [mark for mark in marks if mark % MINUTE_MS == 0]
    assert minutes == list(range(minutes[0], minutes[-1] + 1, MINUTE_MS))
    assert [one for one, count in Counter(message.id for message in messages).items() if count > 1] == []


def _state(name: str) -> State:
    _, _, market, time_ms, digest = name.split(":")
    return market, int(time_ms), digest


def _lasting(states: Iterable[State]) -> Iterator[State]:
    """Those that stood for half a second at least; a book recorded again as it was is no other state."""
    by_market: dict[str, list[State]] = defaultdict(list)
    for state in states:
        told = by_market[state[0]]
        if not told or told[-1][2] != state[2]:
            told.append(state)
    for told in by_market.values():
        for place, state in enumerate(told):
            if place + 1 == len(told) or told[place + 1][1] - state[1] >= REPLACED_MS:
                yield state


def _inside(holes: Iterable[tuple[int, int]], time_ms: int) -> bool:
    return any(from_ms <= time_ms <= to_ms for from_ms, to_ms in holes)


def _beyond(
    lines: Iterable[dict[str, Any]], holes: Iterable[tuple[int, int]], slack_ms: float
) -> list[tuple[int, int]]:
    spans: list[list[float]] = []
    for line in (line for line in lines if line["channel"] == "fault"):
        if line["id"].endswith(":begins"):
            spans.append([line["time"] - slack_ms, float("inf")])
        else:
            spans[-1][1] = line["time"] + slack_ms
    return [hole for hole in holes if not any(begin <= hole[0] and hole[1] <= end for begin, end in spans)]
