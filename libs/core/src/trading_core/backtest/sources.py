"""Where a backtest's history comes from: `--source postgres`, `jetstream` or `parquet:DIR`.

What only one of them needs is imported there: a run on files should not wait for the client of NATS.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from trading_core.backtest import postgres
from trading_core.backtest.feed import EXCHANGE
from trading_core.backtest.figures import minute
from trading_core.backtest.history import History
from trading_core.backtest.parquet import read_history
from trading_core.backtest.postgres import Span
from trading_core.backtest.record import Fidelity
from trading_core.backtest.ticks import LiveMinutes
from trading_core.config import Settings
from trading_core.errors import ConfigError
from trading_core.messages import MarketData
from trading_core.model import Exchange
from trading_core.streams import MARKET

if TYPE_CHECKING:
    from trading_core.archive.recorded import Ticks

KINDS = "postgres|jetstream|parquet:DIR"
POSTGRES, JETSTREAM = postgres.SOURCE, "jetstream"


@dataclass(frozen=True)
class Wanted:
    """The span of a backtest, full minutes, its assets, and how many 1m candles before it may be looked back over."""

    assets: tuple[str, ...]
    from_ms: int
    to_ms: int
    warm_up: int
    exchanges: tuple[str, ...] = (EXCHANGE,)
    """Whose recorded messages a tick backtest is to see; candles are of Hyperliquid only."""


class Source(ABC):
    """One place with history. Everything raises ConfigError, in one sentence, when the place cannot be read."""

    exchanges: tuple[str, ...] = (EXCHANGE,)
    """Of which it has recorded messages in order."""
    has_books = False
    """Whether order books are among them, as far as they were recorded."""
    name: str
    """As the result says it; one that finds out while it reads has the last word after it."""

    @abstractmethod
    def history(self, wanted: Wanted) -> tuple[History, Mapping[str, Span]]:
        """Candles and funding, and by asset which candles exist at all."""

    @abstractmethod
    def live_minutes(self, wanted: Wanted) -> LiveMinutes:
        """The minutes of the span of which every message was recorded."""

    @abstractmethod
    def tick_spans(self, wanted: Wanted) -> Mapping[str, Span]:
        """By asset from when to when messages were recorded."""

    @abstractmethod
    def market(self, wanted: Wanted) -> AsyncIterator[MarketData]:
        """The recorded messages, as `run_ticks` takes them."""

    def remarks(self, wanted: Wanted, fidelity: Fidelity) -> tuple[str, ...]:
        """What a reader of the result must know of this place."""
        return ()


class Recorded(Source):
    """A place with market messages as the recorder stored them."""

    exchanges = tuple(Exchange)
    has_books = True

    @abstractmethod
    def ticks(self, exchanges: Sequence[str] = (EXCHANGE,)) -> AbstractAsyncContextManager[Ticks]:
        """The messages of these exchanges, for a read."""

    def live_minutes(self, wanted: Wanted) -> LiveMinutes:
        from trading_core.backtest import recorded

        async def read() -> LiveMinutes:
            async with self.ticks() as ticks:
                return await recorded.live_minutes(ticks, wanted.assets, wanted.from_ms, wanted.to_ms)

        return asyncio.run(read())

    def tick_spans(self, wanted: Wanted) -> Mapping[str, Span]:
        async def read() -> Mapping[str, Span]:
            async with self.ticks() as ticks:
                return await ticks.marks(EXCHANGE)

        return asyncio.run(read())

    async def market(self, wanted: Wanted) -> AsyncIterator[MarketData]:
        from trading_core.backtest import recorded

        async with self.ticks(wanted.exchanges) as ticks:
            span = (wanted.from_ms, wanted.to_ms)
            async for message in recorded.recorded_market(
                ticks, wanted.exchanges, wanted.assets, wanted.warm_up, *span
            ):
                yield message


class Postgres(Recorded):
    """What the recorder stored, and what of it is in the archive by now."""

    def __init__(self, url: str) -> None:
        self.name = POSTGRES
        self._url = url

    def history(self, wanted: Wanted) -> tuple[History, Mapping[str, Span]]:
        return asyncio.run(
            postgres.read_history(self._url, wanted.assets, wanted.from_ms, wanted.to_ms, wanted.warm_up)
        )

    @asynccontextmanager
    async def ticks(self, exchanges: Sequence[str] = (EXCHANGE,)) -> AsyncIterator[Ticks]:
        from trading_core.archive.recorded import RecordedTicks

        async with postgres.reading(self._url) as db:
            ticks = RecordedTicks(db, exchanges)
            try:
                yield ticks
            finally:  # also where a run needs no more of them
                if ticks.across:
                    self.name = postgres.WITH_ARCHIVE


class JetStream(Source):
    """What the MARKET stream still holds."""

    name = JETSTREAM

    def __init__(self, url: str) -> None:
        self._url = url
        self._read: tuple[History, dict[str, Span], LiveMinutes] | None = None

    def history(self, wanted: Wanted) -> tuple[History, Mapping[str, Span]]:
        history, spans, _ = self._all(wanted)
        return history, spans

    def live_minutes(self, wanted: Wanted) -> LiveMinutes:
        return self._all(wanted)[2]

    def tick_spans(self, wanted: Wanted) -> Mapping[str, Span]:
        from trading_core.backtest import jetstream

        return asyncio.run(jetstream.tick_spans(self._url, wanted.assets))

    def market(self, wanted: Wanted) -> AsyncIterator[MarketData]:
        from trading_core.backtest import jetstream

        return jetstream.streamed_market(self._url, wanted.assets, wanted.to_ms)

    def remarks(self, wanted: Wanted, fidelity: Fidelity) -> tuple[str, ...]:
        _, spans, live = self._all(wanted)
        if fidelity == "tick":
            firsts = [min(opens) for opens in live.opens.values() if opens]
        else:
            firsts = [span.first_ms for span in spans.values()]
        first_ms = max(firsts, default=wanted.from_ms)
        if first_ms <= wanted.from_ms:
            return ()
        return (f"{MARKET.name} reaches back to {minute(first_ms)} UTC; what the span has before that is missing.",)

    def _all(self, wanted: Wanted) -> tuple[History, dict[str, Span], LiveMinutes]:
        """Read once: the stream moves on, and one run is about one state of it."""
        from trading_core.backtest import jetstream

        if self._read is None:
            self._read = asyncio.run(jetstream.read_history(self._url, wanted.assets, wanted.from_ms, wanted.to_ms))
        return self._read


class Parquet(Recorded):
    """Files with candles and funding rates; an archive may hold messages as well."""

    def __init__(self, folder: Path, funding: Path | None) -> None:
        self.name = f"parquet:{folder}"
        self._folder = folder
        self._funding = funding

    def history(self, wanted: Wanted) -> tuple[History, Mapping[str, Span]]:
        history = read_history(self._folder, wanted.assets, self._funding)
        opens = {asset: candles.open_time_ms for asset, candles in history.candles.items() if len(candles.open_time_ms)}
        return history, {asset: Span(int(times[0]), int(times[-1])) for asset, times in opens.items()}

    @asynccontextmanager
    async def ticks(self, exchanges: Sequence[str] = (EXCHANGE,)) -> AsyncIterator[Ticks]:
        from trading_core.archive.folder import Archive
        from trading_core.archive.ticks import ArchivedTicks, all_ticks

        # Messages bring their own rates: who names others wants candles.
        archive = Archive(self._folder)
        yield all_ticks(archive, exchanges) if self._funding is None else ArchivedTicks(archive, [])


def source_of(text: str, settings: Settings, funding: Path | None) -> Source:
    """The place that `--source` names."""
    kind, _, folder = text.partition(":")
    if kind == "parquet" and folder:
        return Parquet(Path(folder), funding)
    if text not in (POSTGRES, JETSTREAM):
        raise ConfigError(f"--source {text!r} is not known. Write postgres, jetstream or parquet:DIR.")
    if funding is not None:
        raise ConfigError("--funding goes with --source parquet:DIR; the platform recorded its own rates.")
    return Postgres(settings.database.url) if text == POSTGRES else JetStream(settings.nats.url)


def shown(spans: Mapping[str, Span]) -> str:
    """What exists, assets with equal spans together."""
    assets: dict[Span, list[str]] = {}
    for asset, span in sorted(spans.items()):
        assets.setdefault(span, []).append(asset)
    return (
        "; ".join(
            f"{', '.join(names)} {minute(span.first_ms)} to {minute(span.last_ms)} UTC"
            for span, names in assets.items()
        )
        or "none at all"
    )
