"""Reads the bus from now on, and tells the browsers at a pace they can follow.

What the broker says on EXEC is a hint that its ledger has changed: the rows themselves come from Postgres,
where they are committed before EXEC hears of them. At most four rounds of marks and ten of the ledger a second go out,
however fast the market's clock runs.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import msgspec
import structlog

from trading_api import metrics
from trading_api.context import Context
from trading_api.database import DatabaseAway, QueryTooSlow
from trading_api.live_messages import (
    LiveCandle,
    LiveEquity,
    LiveFill,
    LiveHealth,
    LiveMark,
    LivePositions,
    LiveSignal,
)
from trading_api.queries import fills, rows, signals
from trading_api.routes import health
from trading_api.schemas import CandlePoint, SignalRow
from trading_core import streams
from trading_core.bus.connection import Bus
from trading_core.bus.ordered import OrderedPull, Start
from trading_core.errors import MessageInvalid
from trading_core.messages import (
    AnyMessage,
    CandleMessage,
    CtxMessage,
    ExecMessage,
    HeartbeatMessage,
    ProbMessage,
    SignalMessage,
    decode,
)
from trading_core.money import plain
from trading_core.streams import StreamSpec

log = structlog.get_logger()
ROUND_S = 0.25
LEDGER_S = 0.1
HEALTH_S = 2.5
HEARTBEATS_BACK_NS = 60 * 10**9
UNSENT_LIMIT = 500
AWAY = (DatabaseAway, QueryTooSlow)


class DecisionBody(msgspec.Struct, frozen=True):
    signal_id: str


@dataclass
class Pending:
    """What the ledger is to be asked for in the next round."""

    fills: list[str] = field(default_factory=list)
    decided: list[str] = field(default_factory=list)
    positions: bool = False
    equity: bool = False

    def before(self, later: Pending) -> Pending:
        """Both, in order; of a long outage only the newest rows are worth telling."""
        return Pending(
            (self.fills + later.fills)[-UNSENT_LIMIT:],
            (self.decided + later.decided)[-UNSENT_LIMIT:],
            self.positions or later.positions,
            self.equity or later.equity,
        )


class Feed:
    def __init__(self, context: Context, bus: Bus) -> None:
        self._context = context
        self._bus = bus
        self._pending = Pending()
        self._told = asyncio.Event()

    async def run(self) -> None:
        """Until cancelled. One failing task ends all of them: half a feed would look like a quiet market."""
        began_ns = time.time_ns()
        since, now = Start.from_time(began_ns - HEARTBEATS_BACK_NS), Start.from_time(began_ns)
        # What came between the feed before and this one was not heard: everybody begins with a snapshot.
        self._context.hub.renew()
        async with asyncio.TaskGroup() as tasks:
            await self._first_marks()
            tasks.create_task(self._read(streams.MARKET, streams.dashboard_filters(), now))
            tasks.create_task(self._read(streams.EXEC, streams.EXEC.subjects, now))
            tasks.create_task(self._read(streams.SIGNALS, streams.all_signals(), now))
            tasks.create_task(self._read(streams.HEALTH, streams.HEALTH.subjects, since))
            tasks.create_task(self._every(ROUND_S, self.send_marks))
            tasks.create_task(self._every(HEALTH_S, self.send_health))
            tasks.create_task(self._ledger_rounds())

    async def _first_marks(self) -> None:
        for exchange in ("hyperliquid", "polymarket"):
            for asset in self._context.settings.assets:
                subject = streams.market_kind(exchange, asset, "ctx")
                if (newest := await self._bus.last(streams.MARKET, subject)) is not None:
                    self.hear(newest.data)

    async def _read(self, stream: StreamSpec, filters: tuple[str, ...], start: Start) -> None:
        source = OrderedPull(self._bus, stream, filters, start)
        counter = metrics.LIVE_MESSAGES.labels(stream.name)
        async for batch in source.batches():
            counter.inc(len(batch))
            for delivered in batch:
                self.hear(delivered.data)

    def hear(self, data: bytes) -> None:
        try:
            self._sort(decode(data))
        except (MessageInvalid, msgspec.ValidationError, ValueError) as error:
            metrics.LIVE_INVALID.inc()
            log.warning("live_message_ignored", reason=str(error)[:200])

    def _sort(self, message: AnyMessage) -> None:
        match message:
            case CtxMessage() | ProbMessage():
                self._context.marks.hear(message)
            case CandleMessage() if not message.backfilled:
                self._send_candle(message)
            case SignalMessage() if message.direction != "PASS":
                self._send_signal(message)
            case HeartbeatMessage():
                self._context.pulse.hear(message)
            case ExecMessage() if self._context.ledgers.holds(message.portfolio):
                self._note(message)
            case _:
                pass

    def _note(self, message: ExecMessage) -> None:
        match message.kind:
            case "fill":
                self._pending.fills.append(message.id)
            case "decision":
                self._pending.decided.append(msgspec.convert(message.body, DecisionBody).signal_id)
            case "position" | "funding":
                self._pending.positions = True
            case "equity":
                self._pending.equity = True
            case "order" | "skip":
                return
        self._told.set()

    def _send_signal(self, message: SignalMessage) -> None:
        said = SignalRow(
            id=message.id,
            t=message.ts,
            strategy=message.strategy,
            exchange=message.exchange,
            asset=message.asset,
            direction=message.direction,
            confidence=message.confidence,
            entry_price=message.entry_price,
            decision=None,
            reason=None,
        )
        hub = self._context.hub
        hub.publish(LiveSignal(seq=hub.next_sequence, signal=said))

    def _send_candle(self, message: CandleMessage) -> None:
        candle = message.candle()
        hub = self._context.hub
        point = CandlePoint(
            t=candle.open_time_ms, o=candle.open, h=candle.high, l=candle.low, c=candle.close, v=candle.volume
        )
        hub.publish(LiveCandle(seq=hub.next_sequence, exchange=message.exchange, asset=message.asset, candle=point))

    async def _every(self, period_s: float, work: Callable[[], Awaitable[None]]) -> None:
        while True:
            try:
                await work()
            except AWAY as error:
                log.warning("live_round_postponed", reason=str(error))
            await asyncio.sleep(period_s)

    async def send_marks(self) -> None:
        context = self._context
        held = context.portfolio.held
        for key in context.marks.take_changed():
            mark = context.marks.newest[key]
            context.hub.publish(
                LiveMark(
                    seq=context.hub.next_sequence,
                    exchange=key[0],
                    asset=key[1],
                    price=plain(mark.price),
                    event_time_ms=mark.event_time_ms,
                    positions=context.portfolio.marked(held, key) if held else [],
                    totals=context.portfolio.totals(held) if held else None,
                )
            )

    async def send_health(self) -> None:
        context = self._context
        report = await health.report(context)
        context.hub.publish(LiveHealth(seq=context.hub.next_sequence, health=report))

    async def _ledger_rounds(self) -> None:
        while True:
            await self._told.wait()
            self._told.clear()
            try:
                await self.send_ledger()
            except AWAY as error:
                log.warning("live_round_postponed", reason=str(error))
                self._told.set()
                await asyncio.sleep(ROUND_S)
            await asyncio.sleep(LEDGER_S)

    async def send_ledger(self) -> None:
        """One round; what it was to ask for is kept when the database is away."""
        pending, self._pending = self._pending, Pending()
        try:
            await self._send_ledger(pending)
        except AWAY:
            self._pending = pending.before(self._pending)
            raise

    async def _send_ledger(self, pending: Pending) -> None:
        """Fills and decisions before the positions they made: the page never shows an effect before its cause.

        They go out before the ledger is read, which takes several times as long as they do.
        """
        context = self._context
        context.changes += 1
        hub = context.hub
        ids = await context.ledgers.ids()
        filled, decided = await asyncio.gather(
            context.database.rows(fills.of_events(ids, pending.fills)),
            context.database.rows(signals.of_events(ids, pending.decided)),
        )
        for row in decided:
            hub.publish(LiveSignal(seq=hub.next_sequence, signal=rows.signal(row)))
        for row in filled:
            hub.publish(LiveFill(seq=hub.next_sequence, fill=rows.fill(row)))
        pending.positions = pending.positions or bool(filled)
        pending.fills, pending.decided = [], []  # told: a round that fails from here on does not repeat them
        ledger = await context.portfolio.ledger(fresh=True)
        newest = await context.figures.newest_equity() if pending.equity else None
        if pending.positions:
            hub.publish(LivePositions(seq=hub.next_sequence, positions=context.portfolio.positions(ledger)))
        if newest is not None:
            hub.publish(LiveEquity(seq=hub.next_sequence, **newest))
