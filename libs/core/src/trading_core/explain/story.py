"""One position's life as a chain of steps, each with the numbers it was made of. Pure: rows in, text out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from trading_core.broker.events import Decision, Fill, FundingPayment, Order, PositionState
from trading_core.messages import SignalMessage
from trading_core.money import exactly, plain


@dataclass(frozen=True)
class Recorded:
    """What the platform recorded about one position. `closing` is the signal that ended it, if one did."""

    number: int
    state: PositionState
    signal: SignalMessage
    decision: Decision
    orders: Sequence[Order]
    fills: Sequence[Fill]
    funding: Sequence[FundingPayment]
    closing: tuple[SignalMessage, Decision] | None
    candle_id: str | None = None
    raw: Mapping[str, str] = field(default_factory=dict)
    """Market messages by id, as they were on the stream; one that is no longer stored is missing."""


@dataclass
class Step:
    """One link of the chain. `ids` lead to the recorded events behind it."""

    title: str
    lines: list[str] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)


def chain(recorded: Recorded) -> Iterator[Step]:
    """Tick, snapshot, signal, checks, order, fill, funding, exit, P&L."""
    yield _market(recorded)
    yield _signal("Signal", recorded.signal)
    yield _checks(recorded.decision)
    entry = [fill for fill in recorded.fills if fill.purpose == "entry"]
    yield _executions("Entry", recorded.orders, entry)
    yield _levels(recorded.state)
    if recorded.funding:
        yield _funding(recorded.funding)
    leaving = [fill for fill in recorded.fills if fill.purpose != "entry"]
    if leaving:
        if recorded.closing is not None:
            yield _signal("Signal that closed it", recorded.closing[0])
        yield _executions(f"Exit by {leaving[0].purpose}", recorded.orders, leaving)
    yield _pnl(recorded.state, recorded.fills, recorded.funding)


def _market(recorded: Recorded) -> Step:
    seen = recorded.signal.metadata.get("seen", {})
    named = [recorded.candle_id, *(value for key, value in seen.items() if key.endswith("_id"))]
    ids = [id for id in dict.fromkeys([*named, recorded.decision.mark_event_id]) if id is not None]
    lines = [f"mark {_number(recorded.decision.mark_price)} of {_moment(recorded.decision.mark_ms)}"]
    if "candle_close_ms" in seen:
        lines.append(f"newest candle closed {_moment(seen['candle_close_ms'])}")
    return Step("Market events", lines, ids)


def _signal(title: str, signal: SignalMessage) -> Step:
    inputs = {key: value for key, value in signal.metadata.items() if key != "seen"}
    return Step(
        title,
        [
            f"{signal.strategy}: {signal.direction} {signal.asset} at {_moment(signal.ts)}, "
            f"price {signal.entry_price}, confidence {signal.confidence}",
            "decided by " + (", ".join(f"{key} {value}" for key, value in inputs.items()) or "nothing recorded"),
            f"code {signal.code_hash}, parameters {signal.params_hash}",
        ],
        [signal.id],
    )


def _checks(decision: Decision) -> Step:
    rules = decision.rules
    lines = [
        f"age {decision.age_ms} ms, at most {rules.max_signal_age_s} s",
        f"confidence {decision.confidence}, at least {rules.min_confidence}",
        f"equity {_number(decision.equity)} USD, stake {_number(decision.stake)} USD ({rules.sizing})",
    ]
    if decision.equity is not None and decision.exposure_usd is not None and decision.stake is not None:
        with exactly():
            limit, wanted = rules.max_exposure * decision.equity, decision.exposure_usd + decision.stake
        lines.append(f"exposure {_number(decision.exposure_usd)} + stake = {_number(wanted)}, at most {_number(limit)}")
    if decision.closed_position is not None:
        lines.append(f"closed {decision.closed_position} first")
    return Step(f"Checks: {decision.decision}", lines, [decision.event_id])


def _executions(title: str, orders: Sequence[Order], fills: Sequence[Fill]) -> Step:
    step = Step(title)
    asked = {order.event_id: order for order in orders}
    for fill in fills:
        if (order := asked.get(fill.order_id)) is not None and order.event_id not in step.ids:
            step.lines.append(
                f"order {order.side} {_number(order.quantity)} at reference {_number(fill.reference_price)}"
            )
            step.ids.append(order.event_id)
        with exactly():
            worse = abs(fill.price - fill.reference_price)
        step.lines.append(
            f"fill {fill.side} {_number(fill.quantity)} at {_number(fill.price)}, {_number(worse)} worse than the "
            f"reference; fee {_number(fill.fee)} USD; mark {_number(fill.mark_price)} of {_moment(fill.mark_ms)}"
        )
        step.ids += [fill.event_id, fill.mark_event_id]
    return step


def _levels(state: PositionState) -> Step:
    levels = (("stop", state.stop_price), ("target", state.target_price))
    lines = [f"{name} {'off' if level is None else _number(level)}" for name, level in levels]
    lines.append(f"time limit {'off' if state.deadline_ms is None else _moment(state.deadline_ms)}")
    return Step("Levels, fixed at the entry", lines, [state.position_id])


def _funding(payments: Sequence[FundingPayment]) -> Step:
    lines = [
        f"{_moment(payment.hour_ms)}: rate {_number(payment.rate)} x {_number(payment.quantity)} x mark "
        f"{_number(payment.mark_price)} = {payment.amount:+f} USD" + (" (booked later)" if payment.late else "")
        for payment in payments
    ]
    return Step("Funding", lines, [id for payment in payments for id in (payment.event_id, payment.rate_event_id)])


def _pnl(state: PositionState, fills: Sequence[Fill], funding: Sequence[FundingPayment]) -> Step:
    with exactly():
        fees = sum((fill.fee for fill in fills), Decimal(0))
        paid = sum((payment.amount for payment in funding), Decimal(0))
        lines = [
            f"fees {_number(fees)}, funding {paid:+f}, slippage inside the prices {_number(state.slippage_cost)} USD"
        ]
        if state.gross_pnl is None or state.realised_pnl is None:
            return Step("P&L so far", [*lines, "still open"], [state.event_id])
        sign, total = "+" if paid >= 0 else "-", state.gross_pnl - fees + paid
    lines.append(
        f"{_number(state.gross_pnl)} between the fills - {_number(fees)} fees {sign} {_number(abs(paid))} funding = "
        f"{_number(total)} USD"
    )
    if total != state.realised_pnl:
        lines.append(f"THE LEDGER SAYS {_number(state.realised_pnl)} USD: the events do not add up to it")
    if state.suspect:
        lines.append("suspect: a fill far from the mark, or a result out of proportion to the stake")
    return Step("P&L", lines, [state.event_id])


def as_json(recorded: Recorded) -> dict[str, Any]:
    """The chain with the raw events behind each step."""
    steps = [
        {"title": s.title, "lines": s.lines, "events": [{"id": id, "raw": recorded.raw.get(id)} for id in s.ids]}
        for s in chain(recorded)
    ]
    return {"position": recorded.number, "event_id": recorded.state.position_id, "steps": steps}


def _moment(time_ms: int | None) -> str:
    if time_ms is None:
        return "no time"
    moment = datetime.fromtimestamp(time_ms / 1000, UTC)
    return f"{moment:%Y-%m-%d %H:%M:%S}" + (f".{time_ms % 1000:03}" if time_ms % 1000 else "") + " UTC"


def _number(value: Decimal | None) -> str:
    return "unknown" if value is None else plain(value)
