"""Holes in what the socket said of one asset: from the last sure moment to the first frame afterwards. Pure."""

from __future__ import annotations

from trading_core.collect.gaps import Channel

CHANNELS: dict[str, Channel] = {
    "trades": "trade",
    "candle": "candle_1m",
    "bbo": "bbo",
    "l2Book": "book",
    "activeAssetCtx": "ctx",
}
"""The venue's channels, in the order of subscription, and what the platform calls them."""
UNFILLED = {venue: ours for venue, ours in CHANNELS.items() if venue != "candle"}
"""Channels that the venue has no history of."""


class Holes:
    """Candles are not among them: of those there is history, so their gaps are kept by minutes."""

    def __init__(self, opened: dict[Channel, int] | None = None) -> None:
        self.open: dict[Channel, int] = dict(opened or {})
        """Channel → where its hole begins."""
        self._settled_ms: dict[Channel, int] = {}

    def begin(self, channel: Channel, sure_ms: int) -> int | None:
        """Where the hole begins: everything up to `sure_ms` has come. None when one is open already."""
        if channel in self.open:
            return None
        # Two holes of a channel never begin at the same moment: that is what names a gap.
        self.open[channel] = max(sure_ms, self._settled_ms.get(channel, 0) + 1)
        return self.open[channel]

    def end(self, channel: Channel, to_ms: int) -> tuple[int, int] | None:
        """Both ends of the hole that a frame closes; None when there is none."""
        from_ms = self.open.pop(channel, None)
        if from_ms is None:
            return None
        self._settled_ms[channel] = max(from_ms, to_ms)
        return from_ms, self._settled_ms[channel]
