"""Which channel has been silent for too long, on the monotonic and on the venue's clock. Pure."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from trading_core.config import SilenceConfig

BUSY_FRAMES, BUSY_WITHIN_S = 100, 30.0
"""A channel that said so much within so long is busy: there a shorter silence is one."""
PAUSE_S = 2.0
"""Between two looks that long apart this process stood still, not the venue."""
DOUBT_S = 5.0
"""A channel that was heard so shortly before the newest frame may have fallen silent then: its hole begins there."""
BREAK_S = 2.5
"""So long without a frame of any channel, and the open buckets are not known any more."""
BY_WALL_TIME = ("activeAssetCtx", "l2Book")
"""The venue repeats these whether or not anything changed; the others come only when something happens."""


@dataclass
class _Heard:
    """The newest frame of one channel of one asset: monotonic second and venue time."""

    at_s: float
    at_ms: int
    recent_s: deque[float] = field(default_factory=lambda: deque(maxlen=BUSY_FRAMES))

    @property
    def is_busy(self) -> bool:
        return len(self.recent_s) == BUSY_FRAMES and self.recent_s[-1] - self.recent_s[0] <= BUSY_WITHIN_S


class Watch:
    """Every subscribed channel of every asset of one socket."""

    def __init__(self, limits: SilenceConfig) -> None:
        self._heard: dict[tuple[str, str], _Heard] = {}
        self._limits = {
            "trades": limits.trades_s,
            "candle": limits.candle_s,
            "bbo": limits.bbo_s,
            "l2Book": limits.book_s,
            "activeAssetCtx": limits.ctx_s,
        }
        self._busy_s = limits.busy_s
        self._looked_s: float | None = None
        self.newest_ms = 0
        """Venue time of the newest data frame of any channel."""
        self._newest_s = 0.0

    def begin(self, asset: str, channel: str, now_s: float, clock_ms: int) -> None:
        """A subscription: its limit counts from here."""
        self._heard[asset, channel] = _Heard(now_s, clock_ms)

    def end(self) -> None:
        """The socket is gone: nobody is silent."""
        self._heard.clear()

    def clock_known(self, clock_ms: int) -> None:
        """Subscriptions made before there was a venue time count from now on."""
        for heard in self._heard.values():
            heard.at_ms = heard.at_ms or clock_ms

    def was_broken(self, now_s: float, clock_ms: int) -> bool:
        """Whether the frame that comes now is the first after a silence of all channels, on both clocks.

        Books are repeated twice a second and contexts once: what was said meanwhile may never come.
        """
        return self.newest_ms > 0 and now_s - self._newest_s > BREAK_S and clock_ms - self.newest_ms > BREAK_S * 1000

    def hear(self, asset: str, channel: str, now_s: float, clock_ms: int) -> None:
        heard = self._heard.get((asset, channel))
        if heard is not None:
            heard.at_s, heard.at_ms = now_s, clock_ms
            heard.recent_s.append(now_s)
        self.newest_ms, self._newest_s = max(self.newest_ms, clock_ms), now_s

    def sure_ms(self, asset: str, channel: str, lateness_ms: int) -> int:
        """Up to when all of a channel has come, in venue time; 0 when nothing is known.

        That is its own newest frame, wherever another one was to be expected since. A channel that has rested for a
        while without being silent had nothing to say up to what any channel brought, less the lateness.
        """
        heard = self._heard.get((asset, channel))
        others_ms = max(0, self.newest_ms - lateness_ms)
        if heard is None:
            return others_ms
        is_silent = self._is_silent((asset, channel), self._newest_s, self.newest_ms, 1.0)
        rests = channel not in BY_WALL_TIME and not heard.is_busy and self._newest_s - heard.at_s > DOUBT_S
        return max(others_ms, heard.at_ms) if rests and not is_silent else heard.at_ms

    def silent(self, now_s: float, clock_ms: int | None, part: float = 1.0) -> set[tuple[str, str]]:
        """(asset, channel) beyond `part` of its limit."""
        self._pardon(now_s)
        return {key for key in self._heard if self._is_silent(key, now_s, clock_ms, part)}

    def _is_silent(self, key: tuple[str, str], now_s: float, clock_ms: int | None, part: float) -> bool:
        heard, channel = self._heard[key], key[1]
        limit_s = part * self._limit_s(channel, heard)
        expected = channel in BY_WALL_TIME or (clock_ms is not None and clock_ms - heard.at_ms > limit_s * 1000)
        return expected and now_s - heard.at_s > limit_s

    def _limit_s(self, channel: str, heard: _Heard) -> float:
        limit_s = self._limits[channel]
        return min(limit_s, self._busy_s) if heard.is_busy else limit_s

    def _pardon(self, now_s: float) -> None:
        """What came while this process stood still is yet to be read."""
        if self._looked_s is not None and now_s - self._looked_s > PAUSE_S:
            for heard in self._heard.values():
                heard.at_s = min(now_s, heard.at_s + now_s - self._looked_s)
        self._looked_s = now_s
