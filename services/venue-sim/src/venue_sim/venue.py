"""The running venue: moves the clock event by event and sends each event to whoever subscribed."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import msgspec
import structlog

from trading_core.model import HOUR_MS, MINUTE_MS
from venue_sim import frames, info, truth
from venue_sim.client import Client
from venue_sim.clock import ClockState, Pace, write_state
from venue_sim.connection import Connection
from venue_sim.faults import Fault, Faults
from venue_sim.market import FAST_LEVELS, Market
from venue_sim.polymarket.exchange import Polymarket
from venue_sim.polymarket.faults import Fault as PolymarketFault
from venue_sim.subscriptions import Subscription

CLOCK_EVERY_S = 0.1
SETTLED_S = 0.1
MIDS_EVERY_S = 5.0
SAVE_EVERY_S = 0.5
log = structlog.get_logger()
Peer = TypeVar("Peer", bound=Connection)


@dataclass(frozen=True)
class Options:
    speed: float = 300.0
    state_path: Path | None = None
    hold: bool = False
    """Event time stands still until the first client of this start has subscribed to the clock."""
    hold_polymarket: bool = False
    """The same for the first client of Polymarket's socket."""
    idle_s: float = 60.0
    stall_s: float = 30.0


class Venue:
    """State of one start. `p` is the newest print that has happened; everything shown is a function of it."""

    def __init__(
        self, market: Market, start: ClockState, p: int, options: Options, log_of_truth: truth.TruthLog,
        polymarket: Polymarket | None = None,
    ) -> None:  # fmt: skip
        self.market = market
        self.polymarket = polymarket
        self.options = options
        self.clients: set[Client] = set()
        self.faults = Faults()
        self.p = p
        self.ended = False
        self._truth = log_of_truth
        self._pace = Pace(start.event_ms, start.speed)
        # One event, one tick or one subscription at a time: no frame of an event ever follows a later clock frame.
        self.turn = asyncio.Lock()
        self._hurry = asyncio.Event()
        # What is wrong with the content of frames changes with a print only, so the truth log knows each of them.
        self._one_sided: frozenset[tuple[str, str]] = frozenset()
        self._offset_ms = 0
        # Coin → the context shown last and the newest minute of the clock that has had one.
        shown_p = max(p, 0)
        minute = market.time_ms(shown_p) // MINUTE_MS
        self._contexts = {coin: (market.ctx(coin, shown_p), minute) for coin in market.coins}

    @property
    def speed(self) -> float:
        """Event time per wall time at this moment, a burst included."""
        return self._pace.speed

    def now(self) -> info.Now:
        return info.Now(self._pace.now_ms(time.monotonic()), self.p, self.ended, self.faults.delisted_coins())

    def state(self) -> ClockState:
        return ClockState(self.now().time_ms, self.options.speed, self.market.shift_ms)

    async def fault(self, fault: Fault) -> None:
        """Begin to do `fault`; what happens at once, such as an end of the sockets, happens here."""
        self.faults.start(fault, time.monotonic())
        self._note(fault, "begins")
        self._set_speed()
        # Not in turn: that may be waiting for a client which does not read.
        if fault.kind in ("close", "refuse"):
            for client in list(self.clients):
                await client.close(fault.code)
        if fault.kind == "delisted":
            for client in [c for c in self.clients if any(one.coin == fault.coin for one in c.ordered)]:
                client.cut()

    async def misbehave(self, schedule: Iterable[tuple[float, Fault | PolymarketFault]]) -> None:
        """One fault after the other, each after a pause in seconds and the end of the one before."""
        for pause_s, fault in schedule:
            await asyncio.sleep(pause_s)
            if isinstance(fault, Fault):
                await self.fault(fault)
            elif self.polymarket is not None:
                await self.polymarket.fault(fault, self.now().time_ms)
            await asyncio.sleep(fault.for_s)

    def heal(self) -> None:
        """The end of every fault."""
        for fault in self.faults.active():
            self._note(fault, "ends")
        self.faults.clear()
        if self.polymarket is not None:
            self.polymarket.heal(self.now().time_ms)
        self._set_speed()

    def _set_speed(self) -> None:
        if self._pace.change_speed(self.options.speed * self.faults.speed_factor(), time.monotonic()):
            self._hurry.set()

    def _note(self, fault: Fault, what: str) -> None:
        asked = msgspec.structs.asdict(fault)
        log.warning(f"fault_{what}", **asked)
        self._truth.write_fault(asked, what, self.now().time_ms)

    def save(self) -> None:
        """Keeps the clock for a restart, unless the event of this very moment is still to come: it would be skipped."""
        now = self.now()
        if self.options.state_path is not None and now.time_ms < self._next_time_ms():
            write_state(self.options.state_path, self.state())
        self._truth.flush()

    async def run(self) -> None:
        """Until the task is cancelled; after the last print the clock stands at the end of the sample."""
        ticking = asyncio.create_task(self._tick())
        try:
            if self.options.hold:
                await self._listener(lambda: self.clients)
            if self.options.hold_polymarket and self.polymarket is not None:
                subscribers = self.polymarket.clients
                await self._listener(lambda: subscribers)
            self._pace.start(time.monotonic())
            while self._next_time_ms() <= self.market.end_ms:
                await self._until(self._next_time_ms())
                async with self.turn:
                    await self._happen()
            # One past the end is never reached, so the clock comes to stand at the end itself.
            await self._until(self._next_time_ms())
            self.ended = True
            log.warning("sample_ended", event_time_ms=self.now().time_ms, hint="start afresh without the state file")
            await asyncio.Event().wait()
        finally:
            ticking.cancel()

    async def _until(self, event_ms: int) -> None:
        self._pace.expect(event_ms)
        await asyncio.sleep(0)
        while (wait_s := self._pace.wait_s(time.monotonic())) > 0:
            with contextlib.suppress(TimeoutError):  # or sooner, when the speed changes meanwhile
                async with asyncio.timeout(wait_s):
                    await self._hurry.wait()
            self._hurry.clear()

    def _next_time_ms(self) -> int:
        print_ms = self._next_print_ms()
        return print_ms if self.polymarket is None else min(print_ms, self.polymarket.next_ms)

    def _next_print_ms(self) -> int:
        return self.market.time_ms(self.p + 1) if self.p + 1 < self.market.prints else self.market.end_ms + 1

    async def _listener(self, clients: Callable[[], Iterable[Connection]]) -> None:
        """A client has the clock and has finished asking for other channels."""
        listening = False
        while not listening:
            await asyncio.sleep(SETTLED_S / 5)
            now_s = time.monotonic()
            listening = any(client.has_clock and now_s - client.heard_s > SETTLED_S for client in clients())

    async def _happen(self) -> None:
        """Whatever is next: of one moment prints come before what happens at Polymarket."""
        self._pace.passed(time.monotonic())
        if self.polymarket is None or self._next_print_ms() <= self.polymarket.next_ms:
            await self._print()
        else:
            await self.polymarket.happen(self.speed)

    async def _print(self) -> None:
        """Print p + 1 of every asset: clock first, then trades, candle, bbo, context, book."""
        self.p += 1
        self._one_sided = self.faults.one_sided(self.market.coins)
        self._offset_ms = self.faults.offset_ms()
        self._write_truth(self.p)
        clock = self.clock_frame(self.market.time_ms(self.p))
        texts: dict[Subscription, str] = {}
        for client in list(self.clients):
            if client.has_clock:
                await client.send(clock)
            for subscription in client.ordered:
                if subscription.channel in ("clock", "allMids"):
                    continue
                text = texts.get(subscription)
                if text is None:
                    text = texts[subscription] = self._update(subscription)
                if subscription in client.missed:
                    self.note_snapshot(subscription.channel, subscription.coin, self.market.time_ms(self.p))
                await client.send_of(subscription, text)

    def clock_frame(self, time_ms: int) -> str:
        return frames.clock(time_ms + self._offset_ms, self.speed)

    def first_frame(self, subscription: Subscription) -> str:
        return frames.first(self.market, subscription, self.p, self._is_one_sided(subscription))

    def _update(self, subscription: Subscription) -> str:
        return frames.update(self.market, subscription, self.p, self._is_one_sided(subscription))

    def _is_one_sided(self, subscription: Subscription) -> bool:
        return (subscription.channel, subscription.coin) in self._one_sided

    def _write_truth(self, p: int) -> None:
        time_ms = self.market.time_ms(p)
        for coin in self.market.coins:
            if p and p % 4 == 0:
                closed = self.market.candle(coin, "1m", p - 1)
                assert closed is not None
                self._truth.write(truth.candle_id(closed), closed["T"] + 1, "candle", coin)
            self._truth.write(truth.trade_id(self.market.trade(coin, p)), time_ms, "trades", coin)
            self._truth.write(truth.bbo_id(self._bbo(coin)), time_ms, "bbo", coin)
            self._write_context(coin, time_ms)
            self._truth.write(truth.book_id(self._book(coin)), time_ms, "l2Book", coin)
            if time_ms % HOUR_MS < MINUTE_MS and p:
                for row in self.market.funding(coin, time_ms, self.market.time_ms(p - 1) + 1, None):
                    self._truth.write(truth.funding_id(row), row["time"], "funding", coin)

    def _write_context(self, coin: str, time_ms: int) -> None:
        """A context is news when it changed, and as the first of a minute; it has no time but that of the clock."""
        shown_ms = time_ms + self._offset_ms
        context, minute = self._context(coin), shown_ms // MINUTE_MS
        known, known_minute = self._contexts[coin]
        event = truth.ctx_id(coin, shown_ms, context)
        # Equal ids at an equal time: nothing has changed that the platform looks at.
        if minute > known_minute or event != truth.ctx_id(coin, shown_ms, known):
            self._truth.write(event, shown_ms, "activeAssetCtx", coin)
        self._contexts[coin] = context, max(minute, known_minute)

    def _bbo(self, coin: str) -> truth.Json:
        return self._shown("bbo", coin, self.market.bbo(coin, self.p))

    def _book(self, coin: str) -> truth.Json:
        """As the fast form has it, which is what the platform asks for."""
        return self._shown("l2Book", coin, self.market.book(coin, self.p, FAST_LEVELS))

    def _context(self, coin: str) -> truth.Json:
        context: truth.Json = self._shown("activeAssetCtx", coin, {"ctx": self.market.ctx(coin, self.p)})["ctx"]
        return context

    def _shown(self, channel: str, coin: str, data: truth.Json) -> truth.Json:
        return frames.without_a_side(channel, data) if (channel, coin) in self._one_sided else data

    def note_snapshot(self, channel: str, coin: str, time_ms: int) -> None:
        """What a subscriber gets first: a context carries the time of the client's clock, a quote may be an old one."""
        if channel == "activeAssetCtx":
            shown_ms = time_ms + self._offset_ms
            self._truth.write(truth.ctx_id(coin, shown_ms, self._context(coin)), shown_ms, "snapshot", coin)
        elif channel == "bbo":
            bbo = self._bbo(coin)
            self._truth.write(truth.bbo_id(bbo), bbo["time"], "snapshot", coin)
        elif channel == "l2Book":
            book = self._book(coin)
            self._truth.write(truth.book_id(book), book["time"], "snapshot", coin)

    async def _tick(self) -> None:
        """Every 100 ms of wall time: clock frames, contexts due again, the saved state, idle and stalled clients."""
        saved_s = mids_s = time.monotonic()
        while True:
            await asyncio.sleep(CLOCK_EVERY_S)
            self._drop(self.everybody(), lambda client, now_s: client.stalled(now_s, self.options.stall_s))
            async with self.turn:
                now_s = time.monotonic()
                for over in self.faults.over(now_s):
                    self._note(over, "ends")
                self._set_speed()
                time_ms = self.now().time_ms
                clock = self.clock_frame(time_ms)
                mids = now_s - mids_s >= MIDS_EVERY_S
                mids_s = now_s if mids else mids_s
                for client in list(self.clients):
                    if client.has_clock:
                        await client.send(clock)
                    for subscription in client.due_again(now_s, mids):
                        if subscription.channel == "activeAssetCtx":
                            self._write_context(subscription.coin, time_ms)
                        if subscription in client.missed:
                            self.note_snapshot(subscription.channel, subscription.coin, time_ms)
                        await client.send_of(subscription, self._update(subscription))
                if now_s - saved_s >= SAVE_EVERY_S:
                    saved_s = now_s
                    self.save()
                if self.polymarket is not None:
                    await self.polymarket.tick(self.now().time_ms, self.speed)
                    self.polymarket.drop_idle(now_s)
                self._drop(self.clients, lambda client, now_s: client.idle(now_s, self.options.idle_s))

    def everybody(self) -> set[Connection]:
        return {*self.clients, *(self.polymarket.clients if self.polymarket is not None else ())}

    def _drop(self, clients: Iterable[Peer], due: Callable[[Peer, float], bool]) -> None:
        now_s = time.monotonic()
        for client in [one for one in clients if due(one, now_s)]:
            client.cut()
