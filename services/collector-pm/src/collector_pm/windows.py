"""Which markets there must be: the names of up/down windows and price levels by time. Pure but for time zones."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from trading_core.model import DAY_MS, HOUR_MS, MINUTE_MS

NEW_YORK = ZoneInfo("America/New_York")
NAMES = {"BTC": "bitcoin", "ETH": "ethereum", "SOL": "solana"}
WINDOWS_MS = {"5m": 5 * MINUTE_MS, "15m": 15 * MINUTE_MS, "4h": 4 * HOUR_MS}
SERIES = {"5m": "5m", "15m": "15m", "1h": "hourly", "4h": "4h", "1d": "daily"}
LEVELS_AHEAD_MS = DAY_MS
OWED_AFTER_MS = MINUTE_MS
"""From a price level's coming near to when its book is owed: the time that finding it may take."""
_UP_DOWN = re.compile(r"([a-z]+)-(updown|up-or-down)-")
_ABOVE = re.compile(r"([a-z]+)-above-")


@dataclass(frozen=True)
class Named:
    """What is to be asked for by name: slugs of markets, and of events that hold several."""

    markets: frozenset[str]
    events: frozenset[str]


def named(assets: Sequence[str], kinds: Sequence[str], from_ms: int, to_ms: int) -> Named:
    """Everything of these kinds that is open at some time in [from, to]."""
    known = [asset for asset in assets if asset in NAMES]
    markets = {slug for asset in known for kind in kinds for slug in _markets(asset, kind, from_ms, to_ms)}
    events: set[str] = set()
    if "price" in kinds:
        for asset in known:
            for day in _days(from_ms, from_ms + LEVELS_AHEAD_MS):
                events |= {f"{NAMES[asset]}-above-on-{_date(day)}", f"{NAMES[asset]}-above-on-{_date(day)}-{day.year}"}
    return Named(frozenset(markets), frozenset(events))


def near_ms(start_ms: int | None, end_ms: int, ahead_ms: int) -> int:
    """From when on a market is followed; `start_ms` is None for price levels, which have no window."""
    return end_ms - LEVELS_AHEAD_MS if start_ms is None else start_ms - ahead_ms


def owed_ms(start_ms: int | None, end_ms: int) -> int:
    """From when on every state of a market's book belongs into the stream, or into a declared hole."""
    return end_ms - LEVELS_AHEAD_MS + OWED_AFTER_MS if start_ms is None else start_ms


def series(assets: Sequence[str], kinds: Sequence[str]) -> frozenset[str]:
    """Slugs of the series that hold the up/down windows, under either name of an asset."""
    return frozenset(
        f"{name}-up-or-down-{SERIES[kind]}"
        for asset in assets
        if asset in NAMES
        for name in (asset.lower(), NAMES[asset])
        for kind in kinds
        if kind in SERIES
    )


def asset_of(slug: str) -> str | None:
    """BTC of `btc-updown-5m-…`, `bitcoin-up-or-down-…` and `bitcoin-above-…`; None for other markets."""
    found = _UP_DOWN.match(slug) or _ABOVE.match(slug)
    if found is None:
        return None
    name = found.group(1)
    return next((asset for asset, full in NAMES.items() if name in (asset.lower(), full)), None)


def _markets(asset: str, kind: str, from_ms: int, to_ms: int) -> Iterator[str]:
    if width_ms := WINDOWS_MS.get(kind):
        for start_ms in range(from_ms // width_ms * width_ms, to_ms + 1, width_ms):
            yield f"{asset.lower()}-updown-{kind}-{start_ms // 1000}"
    elif kind == "1h":
        # Named by the hour in New York at which the candle begins; in 2026 with the year.
        for start_ms in range(from_ms // HOUR_MS * HOUR_MS, to_ms + 1, HOUR_MS):
            start = datetime.fromtimestamp(start_ms / 1000, NEW_YORK)
            hour = f"{(start.hour - 1) % 12 + 1}{'am' if start.hour < 12 else 'pm'}-et"
            for date in (_date(start), f"{_date(start)}-{start.year}"):
                yield f"{NAMES[asset]}-up-or-down-{date}-{hour}"
    elif kind == "1d":
        for day in _days(from_ms, to_ms):
            for date in (_date(day), f"{_date(day)}-{day.year}"):
                yield f"{NAMES[asset]}-up-or-down-on-{date}"


def _days(from_ms: int, to_ms: int) -> Iterator[datetime]:
    """The days in New York from that of `from_ms` to the one after `to_ms`: a day's market ends at noon."""
    day = datetime.fromtimestamp(from_ms / 1000, NEW_YORK)
    last = datetime.fromtimestamp(to_ms / 1000, NEW_YORK) + timedelta(days=1)
    while day.date() <= last.date():
        yield day
        day += timedelta(days=1)


def _date(day: datetime) -> str:
    return f"{day:%B}".lower() + f"-{day.day}"


def iso(time_ms: int) -> str:
    return datetime.fromtimestamp(time_ms // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
