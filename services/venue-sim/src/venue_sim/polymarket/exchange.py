"""The running half of the venue that is Polymarket: sends each event to whoever subscribed."""

from __future__ import annotations

import json
import time
from collections import deque
from typing import Any

import msgspec
import structlog
from aiohttp import web

from trading_core import ids
from venue_sim.connection import Connection
from venue_sim.polymarket import wire
from venue_sim.polymarket.board import ASSET, Board, Event, Market
from venue_sim.polymarket.faults import Fault, Faults
from venue_sim.polymarket.sample import decimal_text
from venue_sim.truth import TruthLog

NAME = "polymarket"
IDLE_S = 30.0
"""A client that forgets its PING is caught after this."""
log = structlog.get_logger()


class Subscriber(Connection):
    """One market socket. Nothing is acknowledged: the first frame is the dump of the books asked for."""

    def __init__(self, socket: web.WebSocketResponse, transport: Any, faults: Faults) -> None:
        super().__init__(socket, transport)
        self._faults = faults
        self._held: deque[str] = deque()
        self.tokens: set[str] = set()
        self.has_extras = False
        """`custom_feature_enabled`: best_bid_ask, new_market and market_resolved too."""

    async def send(self, text: str) -> None:
        if not self._faults.has("half_open"):
            await super().send(text)

    async def send_data(self, text: str) -> None:
        for frame in self._faults.frames(text, self._held):
            await self.send(frame)

    async def close(self, code: int) -> None:
        """With a close frame, or without one (1006)."""
        if code == 1006:
            self.cut()
        else:
            await self.socket.close(code=code)


class Polymarket:
    """State of one start. `position` is the next event; everything shown is a function of the time."""

    def __init__(self, board: Board, from_ms: int, log_of_truth: TruthLog, idle_s: float = IDLE_S) -> None:
        self.board = board
        self.position = board.position_from(from_ms)
        self.clients: set[Subscriber] = set()
        self.faults = Faults()
        self._truth = log_of_truth
        self._idle_s = idle_s

    @property
    def next_ms(self) -> int:
        return self.board.time_ms(self.position)

    async def happen(self, speed: float) -> None:
        """The next event, behind a clock frame of its time."""
        event = self.board.at(self.position)
        self.position += 1
        if event is None:
            return
        if event.kind == "book" and self.faults.has("empty_sides"):
            self.board.take_bids(event.market, event.row)
        if event.kind == "resolved" and self.faults.has("late_result"):
            self.board.withheld[event.market.condition_id] = event.market
            return
        await self._tell(event, speed)

    async def _tell(self, event: Event, speed: float) -> None:
        self._write_truth(event)
        clock = wire.clock(event.time_ms, speed)
        texts: dict[tuple[bool, ...], str | None] = {}
        for client in list(self.clients):
            await self._clock(client, clock)
            wanted = (client.has_extras, *(token in client.tokens for token in event.market.tokens))
            if wanted not in texts:
                texts[wanted] = self._text(event, *wanted)
            text = texts[wanted]
            if text is not None:
                await client.send_data(text)

    async def tick(self, now_ms: int, speed: float) -> None:
        for over in self.faults.over(time.monotonic()):
            self._note(over, "ends", now_ms)
        if self.board.withheld and not self.faults.has("late_result"):
            withheld, self.board.withheld = self.board.withheld, {}
            for market in withheld.values():
                await self._tell(Event(now_ms, "resolved", market), speed)
        for client in list(self.clients):
            await self._clock(client, wire.clock(now_ms, speed))

    async def on_frame(self, client: Subscriber, text: str, now_ms: int, speed: float) -> None:
        if text == "PING":
            await client.send("PONG")
            return
        try:
            asked = json.loads(text)
            tokens = [str(one) for one in asked["assets_ids"]]
        except (ValueError, TypeError, KeyError):
            await client.send("INVALID OPERATION")
            return
        client.has_extras = bool(asked.get("custom_feature_enabled", client.has_extras))
        if asked.get("operation") == "unsubscribe":
            client.tokens.difference_update(tokens)
            return
        if asked.get("clock"):
            client.has_clock = True
        await self._clock(client, wire.clock(now_ms, speed))
        known = {token: market for token in tokens if (market := self._shown(token, now_ms)) is not None}
        client.tokens.update(known)
        if tokens and asked.get("initial_dump", True) and not self.faults.has("no_dump"):
            shown = [wire.dump(self.board, one, token, self.board.row_at(one, now_ms)) for token, one in known.items()]
            await client.send_data(wire.dumps(shown))

    async def fault(self, fault: Fault, now_ms: int) -> None:
        """Begin to do `fault`; what happens at once, such as an end of the sockets, happens here."""
        self.faults.start(fault, time.monotonic())
        self._note(fault, "begins", now_ms)
        if fault.kind in ("close", "refuse"):
            for client in list(self.clients):
                await client.close(fault.code)

    def heal(self, now_ms: int) -> None:
        """The end of every fault."""
        for fault in self.faults.active():
            self._note(fault, "ends", now_ms)
        self.faults.clear()

    def _note(self, fault: Fault, what: str, now_ms: int) -> None:
        asked = {"exchange": NAME, **msgspec.structs.asdict(fault)}
        log.warning(f"fault_{what}", **asked)
        self._truth.write_fault({**asked, "coin": None}, what, now_ms)

    def drop_idle(self, now_s: float) -> None:
        for client in [one for one in self.clients if now_s - one.heard_s >= self._idle_s]:
            client.cut()

    def _shown(self, token: str, now_ms: int) -> Market | None:
        market = self.board.by_token.get(token)
        if market is None or market.listed_ms > now_ms or self.board.is_closed(market, now_ms):
            return None
        return market

    async def _clock(self, client: Subscriber, text: str) -> None:
        if client.has_clock:
            await client.send(text)

    def _text(self, event: Event, has_extras: bool, *wants: bool) -> str | None:
        """The frame of one client; None when the event is nothing to it."""
        if event.kind == "listed":
            return wire.dumps(wire.new_market(event)) if has_extras else None
        if event.kind == "resolved":
            sent = has_extras and not self.faults.has("no_result")
            return wire.dumps(wire.market_resolved(event)) if sent else None
        if not any(wants):
            return None
        change = wire.changes(self.board, event)
        if change is not None and self.faults.has("wrong_top"):
            tops = {"best_bid": "0.001", "best_ask": "0.999"}
            change["price_changes"] = [{**one, **tops} for one in change["price_changes"]]
        found: list[Any] = [] if change is None else [change]
        for token, wanted in zip(event.market.tokens, wants, strict=True):
            if not wanted:
                continue
            tick = wire.tick_size_change(self.board, event, token)
            top = wire.best_bid_ask(self.board, event, token) if has_extras else None
            found += [one for one in (tick, top) if one is not None]
            if self.faults.has("trades"):
                found.append(wire.last_trade_price(event, token))
            if self.faults.has("tick_size"):
                found.append(wire.tick_size_changed(event, token, "0.01", "0.001"))
        if not found:
            return None
        return wire.dumps(found[0] if len(found) == 1 else found)

    def _write_truth(self, event: Event) -> None:
        """Of a book the id that a snapshot of its Up token gets."""
        market = event.market
        if event.kind == "resolved":
            self._truth.write(ids.resolved(NAME, market.condition_id), event.time_ms, "resolved", ASSET)
        elif event.kind == "book":
            bids, asks = self.board.levels(market, event.row)
            levels = [[[decimal_text(px), decimal_text(sz)] for px, sz in side] for side in (bids, asks)]
            name = ids.book(NAME, market.condition_id, event.time_ms, levels)
            self._truth.write(name, event.time_ms, "market_book", ASSET)
