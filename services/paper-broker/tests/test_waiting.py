"""Whom the broker gives up on, and after how long."""

from __future__ import annotations

from paper_broker.waiting import Patience
from trading_core.sequence.sequencer import Blockers

SHARD = ("hyperliquid", "BTC")


def blocked(ts: int = 60_000, *, exchanges: tuple[str, ...] = (), shards: tuple[tuple[str, str], ...] = (),
            proven: bool = True) -> Blockers:  # fmt: skip
    return Blockers(ts, exchanges, shards, proven)


def test_an_exchange_is_waited_for_as_long_as_nobody_else_has_reached_the_grid_point() -> None:
    patience = Patience(15, 10)
    assert patience.exhausted(blocked(exchanges=("hyperliquid",), proven=False), 1_000.0, None) is None
    assert patience.exhausted(blocked(exchanges=("hyperliquid",), proven=False), 9_000.0, None) is None


def test_an_exchange_gets_its_wait_from_the_first_proof() -> None:
    patience = Patience(15, 10)
    missing = blocked(exchanges=("polymarket",))
    assert patience.exhausted(missing, 100.0, None) is None
    assert patience.exhausted(missing, 114.9, None) is None
    assert patience.exhausted(missing, 115.0, None) == missing


def test_a_shard_gets_its_wait_only_once_signals_was_empty_after_the_watermarks_were_in() -> None:
    patience = Patience(15, 10)
    missing = blocked(shards=(SHARD,))
    assert patience.exhausted(missing, 100.0, 99.0) is None
    assert patience.exhausted(missing, 200.0, 99.0) is None, "its grid message may be in the queue"
    assert patience.exhausted(missing, 201.0, 200.5) is None
    assert patience.exhausted(missing, 210.9, 210.5) is None
    assert patience.exhausted(missing, 211.0, 210.5) == missing


def test_the_next_grid_point_starts_its_own_wait() -> None:
    patience = Patience(15, 10)
    patience.exhausted(blocked(60_000, exchanges=("polymarket",)), 100.0, None)
    assert patience.exhausted(blocked(120_000, exchanges=("polymarket",)), 116.0, None) is None
