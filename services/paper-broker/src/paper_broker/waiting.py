"""How long a grid point is waited for before somebody is skipped. Monotonic seconds come in as arguments."""

from __future__ import annotations

from dataclasses import dataclass

from trading_core.sequence.sequencer import Blockers


@dataclass
class Patience:
    """Decides whom to give up on.

    An exchange gets `exchange_wait_s` from the first proof that others have reached the grid point. A
    shard gets `wait_s` from when every watermark is there and SIGNALS has been empty once since: until
    then its grid message may simply be in the queue.
    """

    exchange_wait_s: float
    wait_s: float
    _ts: int = -1
    _proven_at: float | None = None
    _ready_at: float | None = None
    _waiting_since: float | None = None

    def exhausted(self, blockers: Blockers, now: float, signals_empty_at: float | None) -> Blockers | None:
        """Those of `blockers` to skip now; None while there is reason to wait."""
        if blockers.ts != self._ts:
            self._ts, self._proven_at, self._ready_at, self._waiting_since = blockers.ts, None, None, None
        if blockers.exchanges:
            if not blockers.proven:
                return None
            self._proven_at = self._proven_at if self._proven_at is not None else now
            if now - self._proven_at < self.exchange_wait_s:
                return None
            return Blockers(blockers.ts, blockers.exchanges, (), blockers.proven)
        if not blockers.shards:
            return None
        self._ready_at = self._ready_at if self._ready_at is not None else now
        if self._waiting_since is None:
            if signals_empty_at is None or signals_empty_at < self._ready_at:
                return None
            self._waiting_since = now
        if now - self._waiting_since < self.wait_s:
            return None
        return blockers
