"""Whether what is stored is what the venue had, by the venue's own truth log. Pure.

Stored = truth - what lies inside gaps declared `lost`, per channel and asset; no id twice, nothing else; nothing lost
that REST could have given; and every gap lies where something went wrong.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from trading_core.model import HOUR_MS

CHANNELS = {
    "trades": "trade", "bbo": "bbo", "activeAssetCtx": "ctx", "candle": "candle_1m", "funding": "funding",
    "l2Book": "book",
}  # fmt: skip
"""A channel of the venue → the kind of its messages here."""
REFILLABLE = ("candle_1m", "funding")
"""REST has all of it, so it may be lost only while REST is broken."""
SLACK_S = 5.0
"""How much earlier than its fault a gap may begin, or later end, in wall time."""
_SHOWN = 5


@dataclass(frozen=True)
class Event:
    """One line of the truth log. `channel`: as the venue names it, or `snapshot` for what only a newcomer was shown."""

    id: str
    time_ms: int
    channel: str
    asset: str


@dataclass(frozen=True)
class Row:
    """One stored message. `by_rest`: polled or backfilled, so no frame of the socket."""

    id: str
    time_ms: int
    kind: str
    asset: str
    by_rest: bool = False


@dataclass(frozen=True)
class Gap:
    """`to_ms` None: still open."""

    asset: str
    channel: str
    from_ms: int
    to_ms: int | None
    state: str


@dataclass(frozen=True)
class Fault:
    """What went wrong when, in venue time."""

    kind: str
    begin_ms: int
    end_ms: int


@dataclass(frozen=True)
class Run:
    """All that a run left behind, to be judged from the first to the last decided moment."""

    truth: Sequence[Event]
    rows: Sequence[Row]
    gaps: Sequence[Gap]
    faults: Sequence[Fault]
    from_ms: int
    until_ms: int
    speed: float
    slack_s: float = SLACK_S


def judge(run: Run) -> list[str]:
    """What does not hold, in sentences; empty when the run is as it must be."""
    return [*_missing(run), *_twice(run), *_extra(run), *_lost(run), *_bounds(run), *_open(run)]


def _missing(run: Run) -> Iterator[str]:
    stored = {row.id for row in run.rows}
    lost: dict[tuple[str, str], list[Gap]] = defaultdict(list)
    for gap in run.gaps:
        if gap.state == "lost":
            lost[gap.asset, gap.channel].append(gap)
    holes: dict[tuple[str, str], list[int]] = defaultdict(list)
    for event in run.truth:
        kind = CHANNELS.get(event.channel)
        # A funding row is asked for after its hour; the last one may not have been yet.
        until_ms = run.until_ms - HOUR_MS if kind == "funding" else run.until_ms
        if kind is None or event.id in stored or not run.from_ms <= event.time_ms <= until_ms:
            continue
        if not any(_covers(gap, event.time_ms) for gap in lost[event.asset, kind]):
            holes[event.asset, kind].append(event.time_ms)
    for (asset, kind), times in sorted(holes.items()):
        yield f"{len(times)} x {kind} of {asset} missing and not declared lost, at {_some(times)}"


def _twice(run: Run) -> Iterator[str]:
    again = [name for name, count in Counter(row.id for row in run.rows).items() if count > 1]
    if again:
        yield f"{len(again)} ids stored more than once: {_some(again)}"


def _extra(run: Run) -> Iterator[str]:
    """A poll has an id of its own; a candle or rate from before the first event came with the history of the start."""
    known = {event.id for event in run.truth}
    kinds = set(CHANNELS.values())
    extra: dict[tuple[str, str], list[str]] = defaultdict(list)
    for row in run.rows:
        is_poll = row.kind == "ctx" and row.by_rest
        is_history = row.kind in REFILLABLE and row.time_ms <= run.from_ms
        if row.kind in kinds and row.id not in known and not is_poll and not is_history:
            extra[row.asset, row.kind].append(row.id)
    for (asset, kind), names in sorted(extra.items()):
        yield f"{len(names)} x {kind} of {asset} stored that the venue never had: {_some(names)}"


def _lost(run: Run) -> Iterator[str]:
    """`lost` says that nobody has it any more."""
    rest_is_broken = [fault for fault in run.faults if fault.kind.startswith("rest_")]
    slack_ms = run.slack_s * 1000 * run.speed
    for gap in run.gaps:
        if gap.state != "lost" or gap.to_ms is None:
            continue
        if gap.channel in REFILLABLE and not any(_meets(gap, fault, slack_ms) for fault in rest_is_broken):
            yield f"{_named(gap)} though REST has it"
        inside = [
            row.time_ms
            for row in run.rows
            if (row.asset, row.kind, row.by_rest) == (gap.asset, gap.channel, False)
            and gap.from_ms + slack_ms < row.time_ms < gap.to_ms - slack_ms
        ]
        if inside:
            yield f"{_named(gap)} holds {len(inside)} that are stored, at {_some(inside)}"


def _bounds(run: Run) -> Iterator[str]:
    """A gap lies within faults that meet each other, but for the slack."""
    slack_ms = run.slack_s * 1000 * run.speed
    spans = _joined((fault.begin_ms - slack_ms, fault.end_ms + slack_ms) for fault in run.faults)
    for gap in run.gaps:
        to_ms = gap.from_ms if gap.to_ms is None else gap.to_ms
        if gap.from_ms <= run.until_ms and not any(
            begin_ms <= gap.from_ms and to_ms <= end_ms for begin_ms, end_ms in spans
        ):
            away_s = min((max(b - gap.from_ms, to_ms - e) / 1000 / run.speed for b, e in spans), default=None)
            more = "nothing was wrong" if away_s is None else f"{run.slack_s + away_s:.1f} s of wall time beyond"
            yield f"{_named(gap)} exceeds what went wrong: {more}"


def _open(run: Run) -> Iterator[str]:
    for gap in run.gaps:
        if gap.state == "open" and gap.from_ms <= run.until_ms:
            yield f"{_named(gap)} at the end"


def _joined(spans: Iterable[tuple[float, float]]) -> list[tuple[float, float]]:
    """Spans that overlap, as one: data missing through two faults in a row is one gap."""
    joined: list[tuple[float, float]] = []
    for begin, end in sorted(spans):
        if joined and begin <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(end, joined[-1][1])
        else:
            joined.append((begin, end))
    return joined


def _covers(gap: Gap, time_ms: int) -> bool:
    return gap.to_ms is not None and gap.from_ms <= time_ms <= gap.to_ms


def _meets(gap: Gap, fault: Fault, slack_ms: float) -> bool:
    return gap.to_ms is not None and fault.begin_ms - slack_ms <= gap.to_ms and gap.from_ms <= fault.end_ms + slack_ms


def _named(gap: Gap) -> str:
    return f"gap {gap.channel} of {gap.asset} {gap.from_ms}..{gap.to_ms} {gap.state}"


def _some(values: Sequence[object]) -> str:
    more = f" and {len(values) - _SHOWN} more" if len(values) > _SHOWN else ""
    return ", ".join(map(str, values[:_SHOWN])) + more
