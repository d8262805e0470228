"""One ledger's broker: streams in, one transaction per applied input, outbox out. No trading rule here."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterable

import asyncpg

from paper_broker import metrics
from paper_broker.identities import IdentityCheck
from paper_broker.inbox import complete_grids, undecided
from paper_broker.ledger import Ledger, Writer
from paper_broker.reading import Reading
from paper_broker.relay import Relay
from paper_broker.standing import Standing
from paper_broker.waiting import Patience
from trading_core import streams
from trading_core.broker.apply import apply
from trading_core.broker.book import new_book
from trading_core.broker.events import Decision, EquityMark, Event, PositionState
from trading_core.broker.inputs import Input, Place, Rank, Verb
from trading_core.broker.rules import RuleBook
from trading_core.bus.chain import ChainPublisher
from trading_core.bus.market import first_watermark
from trading_core.control.requests import Answer, CommandRefused, Request, command
from trading_core.messages import GridMessage, SignalMessage
from trading_core.model import DAY_MS, MINUTE_MS
from trading_core.runtime import Runtime
from trading_core.sequence.checkpoint import Checkpoint
from trading_core.sequence.sequencer import Minute, Resume, Sequencer
from trading_core.sequence.shard import first_grid_point
from trading_core.strategy.registry import LoadedStrategy
from trading_core.tasks import until_one_fails

PING_S = 5.0
CHECKPOINT_EVENT_MS = 1_000
CHECKPOINT_EVERY_S = 0.25
"""Without effects a checkpoint only shortens a restart: one a second of event time, at most four a second."""
TURNS_TO_LEAVE = 3
"""Of the event loop: the relay wakes and hands its rows to the NATS client, whose flusher writes them to the socket."""


class Broker:
    """One ledger's broker from its checkpoint on. Thrown away whole when a commit fails."""

    def __init__(
        self,
        runtime: Runtime,
        ledger: Ledger,
        chain: ChainPublisher,
        database: asyncpg.Pool,
        enabled: list[LoadedStrategy],
        rules: RuleBook,
        passed: Callable[[], None],
    ) -> None:
        """chain: onto EXEC, shared with the other ledgers. passed: told after each grid point."""
        self._runtime = runtime
        self._ledger = ledger
        self._db = database
        self._rules = rules
        self._passed = passed
        self._enabled = enabled
        self._relay = Relay(runtime.bus, chain, database, ledger.writer)
        self._identities = IdentityCheck(database, ledger.portfolio_id)
        taken = [strategy.name for strategy in enabled if rules.takes(strategy.name)]
        self._standing = Standing(ledger.portfolio, rules.initial_capital, taken)
        self._stored_at: dict[str, float] = {}
        """When each signal that waits for its decision was stored; `time.perf_counter`."""
        self._arrived = asyncio.Event()
        self._asked: deque[tuple[Verb, Request, asyncio.Future[Answer]]] = deque()
        config = runtime.settings.broker
        self._patience = Patience(config.exchange_wait_ms / 1000, config.wait_ms / 1000)
        self.signals_empty_at: float | None = None
        """Monotonic; until SIGNALS has been empty once, a missing grid message may simply be on its way."""
        self._saved_at = 0.0
        self._saved_ms = 0

    async def run(self) -> None:
        """Never ends; a lost connection or a broken invariant raises. `restore` comes before it."""
        await until_one_fails(
            self._relay.run(),
            self._identities.run(),
            self._reading.read(streams.MARKET),
            self._reading.read(streams.BOOK),
            self._apply_for_ever(),
        )

    @property
    def ledger(self) -> str:
        return self._ledger.portfolio

    @property
    def writer(self) -> Writer:
        return self._ledger.writer

    @property
    def passed_ms(self) -> int:
        return self._sequencer.passed_ms

    @property
    def open_positions(self) -> int:
        return len(self._book.positions)

    @property
    def waits_for_runners(self) -> bool:
        return bool(self._sequencer.blockers().shards)

    def takes(self, strategy: str) -> bool:
        """Whether the strategy's signals are decided here."""
        return self._rules.takes(strategy)

    def add(self, signals: Iterable[SignalMessage], grids: Iterable[GridMessage]) -> None:
        """Signals and grid points that are stored now; each signal once."""
        for signal in signals:
            self._sequencer.add_signal(signal)
            self._stored_at[signal.id] = time.perf_counter()
        for grid in grids:
            self._sequencer.add_complete_grid((grid.exchanges, grid.asset), grid.ts)
        self._arrived.set()

    def ask(self, verb: Verb, request: Request) -> asyncio.Future[Answer]:
        """A person's request, applied once the running grid point is done."""
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._asked.append((verb, request, answer))
        self._arrived.set()
        return answer

    async def restore(self) -> None:
        """Book, place in the order and what was received before, as the database has them."""
        checkpoint = await self._ledger.checkpoint()
        needed = {name for strategy in self._enabled for name in strategy.exchanges}
        shards = {(s.grid, asset) for s in self._enabled for asset in self._runtime.settings.assets}
        if checkpoint is None:
            self._runtime.health.detail = {"waiting_for": "the first watermark of each exchange"}
            first = max([await first_watermark(self._runtime.bus, exchange) for exchange in needed])
            self._book = new_book(self._rules)
            start: int | Resume = first_grid_point(first) - MINUTE_MS
        else:
            self._book = checkpoint.book
            start = checkpoint.resume
            needed |= {position.exchange for position in checkpoint.book.positions.values()}
        self._sequencer = Sequencer(exchanges=sorted(needed), shards=shards, start=start)
        read_from_ns = checkpoint.read_from_ns if checkpoint else {}
        self._reading = Reading(
            self._runtime.bus, self._sequencer, self._rules.book_exchanges, read_from_ns, self._arrived
        )
        for shard, ts in await complete_grids(self._db, self._ledger.portfolio_id, self._sequencer.passed_ms):
            self._sequencer.add_complete_grid(shard, ts)
        for message in await undecided(self._db, self._ledger.portfolio_id):
            self._sequencer.add_signal(message)
        await self._ledger.load_accounts(list(self._book.positions))
        self._identities.ask()
        self._recorded_skips = await self._ledger.skips_after(self._sequencer.passed_ms)
        self._runtime.log.info(
            "broker_restored",
            portfolio=self._ledger.portfolio,
            passed_ms=self._sequencer.passed_ms,
            open_positions=len(self._book.positions),
            fresh=checkpoint is None,
        )

    async def _apply_for_ever(self) -> None:
        """Pass grid points while nothing blocks; otherwise wait for a message, a skip, or the next ping."""
        pinged_at = time.monotonic()
        while True:
            await self._apply_late()
            await self._obey()
            self._give_up_on_the_missing()
            minute = self._sequencer.pass_minute()
            if minute is not None:
                await self._apply_minute(minute)
                await asyncio.sleep(0)
                continue
            if time.monotonic() - pinged_at > PING_S:
                await self._ledger.ping()
                pinged_at = time.monotonic()
            self._reading.caught_up()
            metrics.LAG_SECONDS.labels(self.ledger).set(self._sequencer.overdue_ms() / 1000)
            self._arrived.clear()
            try:
                async with asyncio.timeout(0.5):
                    await self._arrived.wait()
            except TimeoutError:
                pass

    def _give_up_on_the_missing(self) -> None:
        for ts, who, watermark in self._recorded_skips:
            if ts == self._sequencer.next_ms:  # decided before a restart, in the middle of this grid point
                self._sequencer.restore_skip(who, watermark)
        blockers = self._sequencer.blockers()
        given_up = self._patience.exhausted(blockers, time.monotonic(), self.signals_empty_at)
        if given_up is not None:
            for exchange in given_up.exchanges:
                self._sequencer.skip_exchange(exchange)
            for shard in given_up.shards:
                self._sequencer.skip_shard(shard)
            self._runtime.log.warning(
                "grid_point_skipped", grid_point_ms=given_up.ts, exchanges=given_up.exchanges, shards=given_up.shards
            )

    async def _apply_minute(self, minute: Minute) -> None:
        if minute.skipped:
            await self._ledger.commit_skips(minute.ts, minute.skipped)
            self._relay.wake()
        for place, event in minute.steps:
            await self._apply(place, event)
        metrics.PASSED_MS.labels(self.ledger).set(minute.ts)
        self._standing.pauses(self._book)
        self._passed()
        if minute.ts % DAY_MS == 0:
            await self._ledger.tidy(minute.ts - DAY_MS)
            self._identities.ask()

    async def _apply_late(self) -> None:
        while (step := self._sequencer.take_late()) is not None:
            await self._apply(*step)

    async def _obey(self) -> None:
        """What people ask for, once the grid point before it is wholly applied."""
        while self._asked and self._sequencer.place.rank == Rank.EQUITY:
            verb, request, waiting = self._asked.popleft()
            answer = await self._ledger.answer_to(verb, request)
            if answer is None:
                answer = await self._apply_request(verb, request)
            if not waiting.done():
                waiting.set_result(answer)

    async def _apply_request(self, verb: Verb, request: Request) -> Answer:
        names = [strategy.name for strategy in self._enabled if self.takes(strategy.name)]
        try:
            wanted = command(verb, request, self._book, self._rules, names, self._sequencer.place)
        except CommandRefused as error:
            return Answer(request_id=request.request_id, status="refused", reason=str(error))
        events = apply(self._book, self._rules, wanted)
        resume = self._sequencer.resume()
        checkpoint = Checkpoint(resume, self._book, self._reading.read_from_ns(resume))
        answer = await self._ledger.commit_command(events, checkpoint, request)
        self._relay.wake()
        self._log(events)
        return answer

    async def _apply(self, place: Place, event: Input) -> None:
        events = apply(self._book, self._rules, event)
        self._sequencer.advance(place)
        now = time.monotonic()
        due = place.visible_ms - self._saved_ms >= CHECKPOINT_EVENT_MS and now - self._saved_at >= CHECKPOINT_EVERY_S
        if not events and not due:
            return
        resume = self._sequencer.resume()
        rows = await self._ledger.commit(events, Checkpoint(resume, self._book, self._reading.read_from_ns(resume)))
        self._saved_at, self._saved_ms = now, place.visible_ms
        if events:
            self._relay.hand(rows)
            for _ in range(TURNS_TO_LEAVE):
                await asyncio.sleep(0)  # what happened leaves before the next input is looked at
            self._log(events)

    def _log(self, events: list[Event]) -> None:
        for event in events:
            match event:
                case EquityMark():
                    self._standing.mark(event)
                case Decision():
                    if (stored_at := self._stored_at.pop(event.signal_id, None)) is not None:
                        metrics.SIGNAL_TO_DECISION_SECONDS.observe(time.perf_counter() - stored_at)
                    self._runtime.log.info(
                        "signal_decided",
                        strategy=event.strategy,
                        asset=event.asset,
                        direction=event.direction,
                        decision=event.decision,
                        reason=event.reason,
                        event_time_ms=event.ts_ms,
                    )
                case PositionState(status="CLOSED", realised_pnl=pnl):
                    self._runtime.log.info(
                        "position_closed",
                        strategy=event.strategy,
                        asset=event.asset,
                        exit_reason=event.exit_reason,
                        realised_pnl=str(pnl),
                        event_time_ms=event.ts_ms,
                    )
                case _:
                    pass
