"""What the history has and lacks: the evidence for `gap` and `late_data`. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property

from trading_core.broker.book import HeldMark
from trading_core.market.state import HISTORY
from trading_core.messages import CandleMessage, CtxMessage, FundingMessage, GapMessage, MarketData
from trading_core.model import MINUTE_MS

NEVER = 1 << 62


class KnownHistory:
    """Ids of marks and rates, and per asset the minutes in which the history is not what the live run saw.

    The live run declares each minute it misses. One that is missing here and was not declared has left the history
    since; one that is here as if it had come in time, though it was declared, has entered it since.
    """

    def __init__(self, before: Iterable[MarketData], held: Iterable[HeldMark]) -> None:
        """`before`: what was known when the span began. `held`: the broker's marks at that moment."""
        self._ids = {mark.event_id for mark in held}
        self._candles: dict[str, dict[int, int]] = {}
        """Per asset from when on the candle of each open time was visible."""
        self._gaps: dict[str, dict[int, int | None]] = {}
        for message in before:
            self.note(message)

    def note(self, message: MarketData) -> None:
        match message:
            case CandleMessage():
                visible = self._candles.setdefault(message.asset, {})
                visible[message.open_time_ms] = min(message.visible_ms, visible.get(message.open_time_ms, NEVER))
            case CtxMessage(polled=False) | FundingMessage():
                self._ids.add(message.id)
            case GapMessage() if message.channel.startswith("candle"):
                self._gaps.setdefault(message.asset, {})[message.from_ms] = message.to_ms
            case _:
                pass

    def lacks(self, event_id: str | None) -> bool:
        """Whether a mark or rate that somebody used is not there."""
        return bool(event_id) and event_id not in self._ids

    def hole_before(self, asset: str | None, ts: int) -> bool:
        """Whether an undeclared hole of `asset` (None: of any) closed at `ts` or in the look-back before it."""
        return _within(self._holes, asset, ts)

    def filled_before(self, asset: str, ts: int) -> bool:
        """The same of a minute that was missed live and stands in the history as if it had come in time."""
        return _within(self._filled, asset, ts)

    @cached_property
    def _holes(self) -> dict[str, list[int]]:
        """Close times of the minutes that are neither there nor declared, between the first and the last one."""
        found = {}
        for asset, visible in self._candles.items():
            missing = (t for t in range(min(visible), max(visible), MINUTE_MS) if t not in visible)
            found[asset] = [t + MINUTE_MS for t in missing if not self._declared(asset, t)]
        return found

    @cached_property
    def _filled(self) -> dict[str, list[int]]:
        return {
            asset: [t + MINUTE_MS for t, ms in visible.items() if ms <= t + MINUTE_MS and self._declared(asset, t)]
            for asset, visible in self._candles.items()
        }

    def _declared(self, asset: str, open_ms: int) -> bool:
        """Whether a gap that was declared covers the close of that minute."""
        close_ms = open_ms + MINUTE_MS
        gaps = self._gaps.get(asset, {})
        return any(from_ms <= close_ms and (to_ms is None or close_ms <= to_ms) for from_ms, to_ms in gaps.items())


def _within(closes: dict[str, list[int]], asset: str | None, ts: int) -> bool:
    found = closes if asset is None else {asset: closes.get(asset, [])}
    return any(ts - HISTORY * MINUTE_MS <= close <= ts for times in found.values() for close in times)
