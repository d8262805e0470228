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

from venue_sim import frames, info, truth
from venue_sim.client import Client
from venue_sim.clock import ClockState, Pace, write_state
from venue_sim.connection import Connection
from venue_sim.faults import Fault, Faults
from venue_sim.market import Market
from venue_sim.polymarket.exchange import Polymarket
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

    def heal(self) -> None:
        """The end of every fault."""
        for fault in self.faults.active():
            self._note(fault, "ends")
        self.faults.clear()
        self._set_speed()

    def _set_speed(self) -> None:
        if self._pace.change_speed(self.options.speed * self.faults.speed_factor(), time.monotonic()):
            self._hurry.set()

    def _note(self, fault: Fault, what: str) -> None:
        log.warning(f"fault_{what}", **msgspec.structs.asdict(fault))
        self._truth.write(f"fault:{fault.kind}:{what}", self.now().time_ms, "fault", fault.coin or "")

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
        """Print p + 1 of every asset: clock first, then trades, candle, bbo, context."""
        self.p += 1
        self._write_truth(self.p)
        clock = frames.clock(self.market.time_ms(self.p), self._pace.speed)
        texts: dict[Subscription, str] = {}
        for client in list(self.clients):
            if client.has_clock:
                await client.send(clock)
            for subscription in client.ordered:
                if subscription.channel in ("clock", "allMids"):
                    continue
                text = texts.get(subscription)
                if text is None:
                    text = texts[subscription] = frames.update(self.market, subscription, self.p)
                await client.send_of(subscription, text)

    def _write_truth(self, p: int) -> None:
        time_ms = self.market.time_ms(p)
        for coin in self.market.coins:
            if p and p % 4 == 0:
                closed = self.market.candle(coin, "1m", p - 1)
                assert closed is not None
                self._truth.write(truth.candle_id(closed), closed["T"] + 1, "candle", coin)
            self._truth.write(truth.trade_id(self.market.trade(coin, p)), time_ms, "trades", coin)
            self._truth.write(truth.bbo_id(self.market.bbo(coin, p)), time_ms, "bbo", coin)
            now, before = self.market.ctx(coin, p), self.market.ctx(coin, p - 1) if p else None
            # An unchanged context is news only as the first of a minute.
            event = truth.ctx_id(coin, time_ms, now)
            if before is None or p % 4 == 0 or event != truth.ctx_id(coin, time_ms, before):
                self._truth.write(event, time_ms, "activeAssetCtx", coin)

    def note_snapshot(self, channel: str, coin: str, time_ms: int) -> None:
        """What a subscriber gets first: a context carries the time of the client's clock, a quote may be an old one."""
        if channel == "activeAssetCtx":
            self._truth.write(truth.ctx_id(coin, time_ms, self.market.ctx(coin, self.p)), time_ms, "snapshot", coin)
        elif channel == "bbo":
            bbo = self.market.bbo(coin, self.p)
            self._truth.write(truth.bbo_id(bbo), bbo["time"], "snapshot", coin)

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
                clock = frames.clock(self.now().time_ms, self._pace.speed)
                mids = now_s - mids_s >= MIDS_EVERY_S
                mids_s = now_s if mids else mids_s
                for client in list(self.clients):
                    if client.has_clock:
                        await client.send(clock)
                    for subscription in client.due_again(now_s, mids):
                        await client.send_of(subscription, frames.update(self.market, subscription, self.p))
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
