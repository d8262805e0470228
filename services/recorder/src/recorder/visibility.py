"""From when on a market message may influence a decision, as every reader of the stream sees it."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping

from trading_core.bus.pull import Place

KEPT = 4_096


class Visibility:
    """The watermarks of one stream by their place in it, so that a message read twice gets the same answer."""

    def __init__(self, decided: Mapping[str, int]) -> None:
        """`decided`: the newest watermark by exchange among everything that is committed already."""
        self._places: dict[str, list[Place]] = {exchange: [(0, 0)] for exchange in decided}
        self._watermarks: dict[str, list[int]] = {exchange: [mark] for exchange, mark in decided.items()}

    def note(self, exchange: str, watermark_ms: int, place: Place) -> None:
        """A watermark was read at `place`. One that is not above the earlier ones changes nothing."""
        places = self._places.setdefault(exchange, [])
        watermarks = self._watermarks.setdefault(exchange, [])
        if watermarks and (watermark_ms <= watermarks[-1] or place <= places[-1]):
            return
        places.append(place)
        watermarks.append(watermark_ms)
        if len(places) > KEPT:
            del places[: KEPT // 2], watermarks[: KEPT // 2]

    def of(self, exchange: str, stamped_ms: int, place: Place) -> int:
        """max(stamped, the last watermark of this exchange before `place` + 1)."""
        places = self._places.get(exchange)
        if not places:
            return stamped_ms
        before = bisect_left(places, place)
        if before == 0:
            return stamped_ms
        return max(stamped_ms, self._watermarks[exchange][before - 1] + 1)
