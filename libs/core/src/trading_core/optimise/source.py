"""The history of a search: the span asked for, or all that the source has."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from trading_core.backtest import parquet, postgres
from trading_core.backtest.figures import minute
from trading_core.backtest.history import History
from trading_core.backtest.postgres import Span
from trading_core.errors import ConfigError
from trading_core.model import MINUTE_MS


class Past(NamedTuple):
    """Bars that open in [from_ms, to_ms) are searched on; earlier ones warm up."""

    history: History
    from_ms: int
    to_ms: int


def read(source: str, url: str, assets: Sequence[str], from_ms: int | None, to_ms: int | None, warm_up: int) -> Past:
    """`source`: postgres or parquet:DIR. A bound that is None is where all assets have begun or the first one ends.

    ConfigError, saying what exists, when no candle of an asset lies in the span.
    """
    kind, _, folder = source.partition(":")
    if source == postgres.SOURCE:
        _, spans = asyncio.run(postgres.read_history(url, (), 0, 0, 0))
    elif kind == "parquet" and folder:
        history = parquet.read_history(Path(folder), assets)
        opens = {asset: candles.open_time_ms for asset, candles in history.candles.items() if len(candles.open_time_ms)}
        spans = {asset: Span(int(times[0]), int(times[-1])) for asset, times in opens.items()}
    else:
        raise ConfigError(f"--source {source!r} is not known. Write postgres or parquet:DIR.")
    there = [spans[asset] for asset in assets if asset in spans]
    if len(there) < len(assets):
        lacking = ", ".join(asset for asset in assets if asset not in spans)
        raise ConfigError(f"{source} has no candles of {lacking}; it has {_shown(spans)}. Name other --assets.")
    first = max(span.first_ms for span in there) if from_ms is None else from_ms
    end = min(span.last_ms for span in there) + MINUTE_MS if to_ms is None else to_ms
    empty = [asset for asset in assets if spans[asset].last_ms < first or spans[asset].first_ms >= end]
    if first >= end or empty:
        raise ConfigError(
            f"{source} has no candles of {', '.join(empty or assets)} from {minute(first)} to {minute(end)} UTC; "
            f"it has {_shown(spans)}. Move the span."
        )
    if source == postgres.SOURCE:
        history, _ = asyncio.run(postgres.read_history(url, assets, first, end, warm_up))
    return Past(history, first, end)


def _shown(spans: Mapping[str, Span]) -> str:
    said = [f"{asset} {minute(span.first_ms)} to {minute(span.last_ms)} UTC" for asset, span in sorted(spans.items())]
    return "; ".join(said) or "none at all"
