"""Which channel has been silent for too long, on the monotonic and on the venue's clock. Pure."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from trading_core.config import SilenceConfig

BUSY_FRAMES, BUSY_WITHIN_S = 100, 30.0
"""A channel that said so much within so long is busy: there a shorter silence is one."""
PAUSE_S = 2.0
"""Between two looks that long apart this process stood still, not the venue."""
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
        """Venue time of the newest data frame of any channel: what happened before it has arrived."""

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

    def hear(self, asset: str, channel: str, now_s: float, clock_ms: int) -> None:
        heard = self._heard.get((asset, channel))
        if heard is not None:
            heard.at_s, heard.at_ms = now_s, clock_ms
            heard.recent_s.append(now_s)
        self.newest_ms = max(self.newest_ms, clock_ms)

    def heard_ms(self, asset: str, channel: str) -> int:
        """Venue time of its newest frame, or of its subscription; 0 without one."""
        heard = self._heard.get((asset, channel))
        return heard.at_ms if heard is not None else 0

    def silent(self, now_s: float, clock_ms: int | None, part: float = 1.0) -> set[tuple[str, str]]:
        """(asset, channel) beyond `part` of its limit."""
        self._pardon(now_s)
        return {
            key
            for key, heard in self._heard.items()
            if now_s - heard.at_s > (limit_s := part * self._limit_s(key[1], heard))
            and (key[1] in BY_WALL_TIME or (clock_ms is not None and clock_ms - heard.at_ms > limit_s * 1000))
        }

    def _limit_s(self, channel: str, heard: _Heard) -> float:
        limit_s = self._limits[channel]
        return min(limit_s, self._busy_s) if heard.is_busy else limit_s

    def _pardon(self, now_s: float) -> None:
        """What came while this process stood still is yet to be read."""
        if self._looked_s is not None and now_s - self._looked_s > PAUSE_S:
            for heard in self._heard.values():
                heard.at_s = min(now_s, heard.at_s + now_s - self._looked_s)
        self._looked_s = now_s
