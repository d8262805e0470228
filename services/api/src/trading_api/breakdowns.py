"""One strategy's closed positions by month, result, holding time and exit reason. Pure."""

from __future__ import annotations

import math
import re
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from trading_api.schemas_compare import Bin, DocSection, Group
from trading_core.metrics.trades import Trade, trade_metrics
from trading_core.money import plain

BINS = 20
_STEPS = (1.0, 2.0, 5.0, 10.0)
_HOLDS_S = (0, 300, 900, 3_600, 14_400, 86_400)
"""Lower ends of the groups of holding times; the last has no upper end."""
_HEADING = re.compile(r"^#{1,3} +(.+)$", re.MULTILINE)


def by_month(trades: Sequence[Trade]) -> list[Group]:
    """By the UTC month of the exit, oldest first."""
    return [_group(month, found) for month, found in sorted(_grouped(trades, _month).items())]


def by_reason(trades: Sequence[Trade]) -> list[Group]:
    """Most frequent first."""
    groups = _grouped(trades, lambda trade: trade.exit_reason)
    return [_group(reason, found) for reason, found in sorted(groups.items(), key=lambda item: -len(item[1]))]


def results(trades: Sequence[Trade]) -> list[Bin]:
    """How many positions ended with a P&L in [from, to), USD; about `BINS` groups of a round width, 0 is an edge."""
    amounts = [float(trade.realised_pnl) for trade in trades]
    if not amounts:
        return []
    rough = max((max(amounts) - min(amounts)) / BINS, 1e-6)
    size = 10.0 ** math.floor(math.log10(rough))
    width = next(step for step in _STEPS if step * size >= rough * (1 - 1e-9)) * size
    places = [math.floor(amount / width) for amount in amounts]
    first = min(places)
    counts = [0] * (max(places) - first + 1)
    for place in places:
        counts[place - first] += 1
    return [
        Bin(low=(first + number) * width, high=(first + number + 1) * width, trades=count)
        for number, count in enumerate(counts)
    ]


def holds(trades: Sequence[Trade]) -> list[Bin]:
    """How many positions were held for (low, high] seconds: a time-out after an hour counts as "up to 1 h"."""
    held_s = [max(0.0, trade.exit_ms - trade.entry_ms) / 1_000 for trade in trades]
    places = Counter(bisect_left(_HOLDS_S, each, lo=1) for each in held_s)
    ends = (*_HOLDS_S[1:], None)
    return [
        Bin(low=low, high=high, trades=places[number])
        for number, (low, high) in enumerate(zip(_HOLDS_S, ends, strict=True), start=1)
    ]


def sections(docs: str) -> list[DocSection]:
    """The headed parts of a docstring; text before the first heading has no title."""
    parts = _HEADING.split(docs)
    titled = [("", parts[0]), *zip(parts[1::2], parts[2::2], strict=True)]
    return [DocSection(title=title.strip(), text=text.strip()) for title, text in titled if text.strip()]


def _grouped(trades: Sequence[Trade], key: Callable[[Trade], str]) -> dict[str, list[Trade]]:
    groups: defaultdict[str, list[Trade]] = defaultdict(list)
    for trade in trades:
        groups[key(trade)].append(trade)
    return groups


def _month(trade: Trade) -> str:
    return datetime.fromtimestamp(trade.exit_ms / 1_000, UTC).strftime("%Y-%m")


def _group(name: str, trades: Sequence[Trade]) -> Group:
    found = trade_metrics(trades)
    return Group(name=name, trades=found.trades, win_rate=found.win_rate, realised_pnl=plain(found.realised_pnl))
