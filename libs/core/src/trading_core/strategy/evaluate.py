"""One evaluation: pure, and the same function live, in replay and in backtests.

`decide` gives the signal or the PASS; `evaluate` wraps it into the message that goes on the bus.
"""

from __future__ import annotations

import contextlib
import traceback
from dataclasses import dataclass
from typing import Any

from trading_core import ids
from trading_core.config import SnapshotConfig
from trading_core.errors import Overrun, StrategyFailed
from trading_core.market.snapshot import MarketSnapshot, MissingInput
from trading_core.market.state import MarketState
from trading_core.messages import SignalMessage
from trading_core.model import Direction, Exchange, Signal
from trading_core.strategy.plain import plain_json
from trading_core.strategy.registry import LoadedStrategy

_WITH_CANDLES = frozenset({Exchange.HYPERLIQUID.value})


@dataclass(frozen=True, slots=True)
class Pass:
    """No signal at this grid point, and why; `metadata` what the strategy had to say about it."""

    reason: str
    metadata: dict[str, Any] | None = None


_GAP, _NO_CANDLE, _NO_SIGNAL = Pass("gap"), Pass("no_candle"), Pass("no_signal")


def is_due(loaded: LoadedStrategy, ts: int) -> bool:
    """Whether `loaded` is evaluated at grid point `ts`."""
    return ts % loaded.interval_ms == 0


def decide(loaded: LoadedStrategy, state: MarketState, ts: int, limits: SnapshotConfig) -> Signal | Pass:
    """The signal of `loaded` for the state's asset at `ts`, from what is visible by then, or why there is none.

    A gap on any exchange it needs comes first, then the candle closing at `ts`, then what the strategy asks for, in
    its order. `limits`: how old inputs may be; those under the strategy's own `rules` win.
    StrategyFailed, with the traceback, when the strategy raises, overruns or returns something else than its own
    signal.
    ValueError when the caller breaks the contract: `ts` off the grid, or a state that knows something past `ts`.
    """
    if ts % loaded.interval_ms:
        raise ValueError(f"{loaded.name} is evaluated at multiples of {loaded.interval}, not at {ts}")
    snapshot = _snapshot(loaded, state, ts, limits)
    if any(state.in_gap(exchange, ts) for exchange in loaded.exchanges):
        return _GAP
    if snapshot.exchange in _WITH_CANDLES and not snapshot.closed_at(loaded.interval):
        return _NO_CANDLE
    try:
        return _outcome(loaded, snapshot)
    except MissingInput as missing:
        return Pass(missing.reason)


def attempt(loaded: LoadedStrategy, state: MarketState, limits: SnapshotConfig) -> None:
    """Run its code on what `state` knows now, whether or not a candle closes: StrategyFailed when that fails.

    At the next grid point of its interval, where nothing newer than now is seen.
    """
    ts = -(-max(state.newest_visible_ms, 0) // loaded.interval_ms) * loaded.interval_ms
    snapshot = _snapshot(loaded, state, ts, limits)
    with contextlib.suppress(MissingInput):
        _outcome(loaded, snapshot)


def evaluate(loaded: LoadedStrategy, state: MarketState, ts: int, limits: SnapshotConfig) -> SignalMessage:
    """`decide` as the message to publish, PASS included. Equal inputs give equal bytes. Raises as `decide` does.

    `metadata`: what the strategy gave, and under `seen` ids and times of the newest events behind it.
    """
    outcome = decide(loaded, state, ts, limits)
    if isinstance(outcome, Pass):
        return pass_message(loaded, state, ts, outcome.reason, outcome.metadata)
    return _message(
        loaded,
        state,
        ts,
        outcome.held,
        direction=outcome.direction.value,
        confidence=outcome.confidence,
        entry_price=repr(outcome.entry_price),
        metadata=outcome.metadata,
    )


def pass_message(
    loaded: LoadedStrategy, state: MarketState, ts: int, reason: str, metadata: dict[str, Any] | None = None
) -> SignalMessage:
    """The PASS of `loaded` at `ts`; also for reasons of the caller's, as that the strategy failed before."""
    return _message(loaded, state, ts, state.asset, direction="PASS", reason=reason, metadata=metadata or {})


def _outcome(loaded: LoadedStrategy, snapshot: MarketSnapshot) -> Signal | Pass:
    try:
        return _checked(loaded, snapshot, loaded.instance.evaluate(snapshot))
    except MissingInput:
        raise
    except (Exception, SystemExit, Overrun) as error:
        raise StrategyFailed(
            f"{loaded.name} failed on {snapshot.asset} at {snapshot.ts}: {error!r}\n{traceback.format_exc()}"
        ) from error


def _snapshot(loaded: LoadedStrategy, state: MarketState, ts: int, limits: SnapshotConfig) -> MarketSnapshot:
    if loaded.input_limits:
        limits = limits.model_copy(update=loaded.input_limits)
    return state.snapshot(loaded.exchanges[0], ts, limits, loaded.instance.history)


def _checked(loaded: LoadedStrategy, snapshot: MarketSnapshot, outcome: object) -> Signal | Pass:
    """What the strategy returned, in plain values; ValueError or TypeError when it is not a signal of its own."""
    if outcome is None:
        return _NO_SIGNAL
    if not isinstance(outcome, Signal):
        raise TypeError(f"evaluate must return a Signal or None, got {type(outcome).__name__}")
    metadata = plain_json(outcome.metadata)
    if outcome.direction is Direction.PASS:
        return Pass(str(metadata.pop("reason", "no_signal")), metadata)
    price = snapshot.price_of(outcome.instrument)
    own = (loaded.name, snapshot.asset, snapshot.exchange, snapshot.ts, price)
    given = (outcome.strategy, outcome.asset, outcome.exchange, outcome.ts, outcome.entry_price)
    if given != own:
        raise ValueError(
            f"a signal is made with self.signal(...): strategy, asset, exchange, ts, price {own}, got {given}"
        )
    return Signal(
        strategy=loaded.name,
        asset=snapshot.asset,
        exchange=snapshot.exchange,
        direction=Direction(outcome.direction),
        confidence=float(outcome.confidence),
        entry_price=price,
        metadata=metadata,
        ts=snapshot.ts,
        instrument=outcome.instrument,
    )


def _message(
    loaded: LoadedStrategy, state: MarketState, ts: int, instrument: str, *, metadata: dict[str, Any], **fields: Any
) -> SignalMessage:
    exchange = loaded.exchanges[0]
    return SignalMessage(
        id=ids.signal(loaded.name, exchange, instrument, ts),
        strategy=loaded.name,
        exchange=exchange,
        asset=state.asset,
        instrument=instrument,
        ts=ts,
        grid=loaded.grid,
        metadata={**metadata, "seen": state.seen(exchange)},
        code_hash=loaded.code_hash,
        params_hash=loaded.params_hash,
        **fields,
    )
