"""A finished check in the one shape that is shown, written and stored. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

import msgspec

from trading_core.db.times import utc
from trading_core.model import DAY_MS
from trading_core.parity.causes import Cause, IdealReport
from trading_core.parity.replay import Difference, Report

Order = Literal["recorded", "ideal"]
ORDERS: tuple[Order, ...] = ("recorded", "ideal")
Verdict = Literal["identical", "different", "explained", "unexplained"]
KEPT = 10_000
"""Differences kept of a result; all of them are counted."""
UNEXCUSED = ("unexplained", "different")


@dataclass(frozen=True)
class Shown:
    """One difference. `cause`: see `causes.Cause`; in recorded order a changed setting or code, or `different`."""

    kind: str
    ts: int
    id: str
    cause: str
    live: str | None
    replayed: str | None

    @property
    def root(self) -> bool:
        return not self.cause.startswith("follows:")


@dataclass(frozen=True)
class Result:
    """Grid points `first_ms` to `last_ms`, both included. `compared` and `causes` count by kind and by cause.

    `differences` begin with what nothing excuses; what follows from another comes last.
    """

    portfolio: str
    order: Order
    first_ms: int
    last_ms: int
    from_checkpoint: bool
    verdict: Verdict
    compared: Counter[str]
    causes: Counter[str]
    differences: list[Shown]
    difference_count: int
    duration_ms: int
    code_version: str = ""
    days: list[Result] = field(default_factory=list)
    """Of a longer span what each part of it gave."""

    @property
    def passed(self) -> bool:
        return self.verdict in ("identical", "explained")

    @property
    def period(self) -> str:
        return f"{utc(self.first_ms):%Y-%m-%d %H:%M} to {utc(self.last_ms):%Y-%m-%d %H:%M} UTC"

    def as_json(self) -> dict[str, Any]:
        """Plain values for a program."""
        plain = {name: value for name, value in vars(self).items() if name != "days"}
        differences = [asdict(difference) for difference in self.differences]
        counts = {"compared": dict(self.compared), "causes": dict(self.causes)}
        return plain | counts | {"differences": differences, "passed": self.passed}


def result_of(report: Report | IdealReport, *, from_checkpoint: bool, duration_ms: int, code_version: str) -> Result:
    """What `report` found, cut to the differences that are kept."""
    order: Order = "recorded" if isinstance(report, Report) else "ideal"
    return Result(
        portfolio=report.span.portfolio,
        order=order,
        first_ms=report.span.first_ms,
        last_ms=report.span.last_ms,
        from_checkpoint=from_checkpoint,
        verdict=verdict(order, len(report.differences), report.causes()["unexplained"]),
        compared=Counter(report.compared),
        causes=report.causes(),
        differences=_telling([_shown(difference) for difference in report.differences]),
        difference_count=len(report.differences),
        duration_ms=duration_ms,
        code_version=code_version,
    )


def verdict(order: Order, differences: int, unexplained: int) -> Verdict:
    if differences == 0:
        return "identical"
    if order == "recorded":
        return "different"
    return "unexplained" if unexplained else "explained"


def together(results: Sequence[Result]) -> Result:
    """The parts of one span, oldest first, as one result. ValueError when there is none."""
    if not results:
        raise ValueError("a span without parts has no result")
    if len(results) == 1:
        return results[0]
    first = results[0]
    causes = sum((result.causes for result in results), Counter[str]())
    count = sum(result.difference_count for result in results)
    return replace(
        first,
        last_ms=results[-1].last_ms,
        verdict=verdict(first.order, count, causes["unexplained"]),
        compared=sum((result.compared for result in results), Counter[str]()),
        causes=causes,
        differences=_telling([difference for result in results for difference in result.differences]),
        difference_count=count,
        duration_ms=sum(result.duration_ms for result in results),
        days=list(results),
    )


def _telling(differences: Sequence[Shown]) -> list[Shown]:
    """Those that are kept: first what nothing excuses, then what has a cause, then what follows from either."""
    return sorted(differences, key=lambda one: (one.cause not in UNEXCUSED, not one.root))[:KEPT]


def changed_fields(live: str | None, replayed: str | None) -> list[tuple[str, str, str]]:
    """Where two texts differ: path, value live, value replayed; `—` where one has nothing. Texts are JSON or words."""
    one, two = _flat(live), _flat(replayed)
    names = [*one, *(name for name in two if name not in one)]
    return [(name, one.get(name, "—"), two.get(name, "—")) for name in names if one.get(name) != two.get(name)]


def _flat(text: str | None) -> dict[str, str]:
    if text is None:
        return {}
    try:
        return dict(_paths("", msgspec.json.decode(text)))
    except msgspec.DecodeError:
        words = (word.partition("=") for word in text.split(" "))
        return {name: value if mark else "" for name, mark, value in words}


def _paths(prefix: str, value: Any) -> list[tuple[str, str]]:
    if isinstance(value, dict):
        return [pair for name, item in value.items() for pair in _paths(f"{prefix}.{name}" if prefix else name, item)]
    if isinstance(value, list) and any(isinstance(item, dict) for item in value):
        return [pair for n, item in enumerate(value) for pair in _paths(f"{prefix}[{n}]", item)]
    return [(prefix or "value", _readable(prefix, value))]


def _readable(name: str, value: Any) -> str:
    """A time also as one."""
    text = msgspec.json.encode(value).decode().strip('"')
    is_time = isinstance(value, int) and name.endswith(("_ms", ".ts", "ts")) and value >= DAY_MS
    return f"{text} ({utc(value):%Y-%m-%d %H:%M:%S})" if is_time else text


def _shown(difference: Difference | Cause) -> Shown:
    d = difference
    if isinstance(d, Difference):
        return Shown(d.kind, d.ts, d.id, d.cause or "different", d.live, d.replay)
    return Shown(d.kind, d.ts, d.id, d.cause, d.live, d.ideal)
