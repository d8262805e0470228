"""What the sockets and REST say, as messages and watermarks in the order in which they must go out. No I/O.

Time reaches it as arguments: `now_s` monotonic seconds, `wall_ms` the receive time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from collector_pm import metrics, outgoing, parse
from collector_pm.book import Outcome
from collector_pm.followed import ENDED_AFTER_MS, GIVEN_UP_AFTER_MS, Followed, Roster, Shown
from collector_pm.holes import Holes
from collector_pm.listing import Listing
from collector_pm.outgoing import EXCHANGE
from collector_pm.parse import BookRow, ChangesRow, ClockRow, LastTradeRow, Reject, ResultRow, TickRow
from collector_pm.windows import asset_of, near_ms, owed_ms
from trading_core.collect import gaps, numbers
from trading_core.collect import metrics as shared_metrics
from trading_core.collect.clock import VenueClock
from trading_core.collect.rejects import dead_letter
from trading_core.collect.stamp import Stamp
from trading_core.config import PolymarketConfig
from trading_core.errors import VenueMessageInvalid
from trading_core.messages import DeadLetterMessage, MarketData

BOOK_EVERY_MS = 500
"""At most two snapshots of a book per second of venue time; what lies between is told by the next one."""
STANDING_EVERY_MS = 10_000
"""A book that is known to stand unchanged is told again this often."""
SETTLED_MS = 2_000
"""Venue time after which the socket must have told what REST has shown."""
FIRST_BOOK_S = 10.0
STALLED_AFTER_S = 10.0
"""Age from which on a socket is left as soon as REST shows what it keeps to itself."""
UNKNOWN, UNREAD = "book unknown", "catalogue unread"


class Outbox(Protocol):
    def put(self, message: MarketData | DeadLetterMessage) -> None: ...
    def put_watermark(self, watermark_ms: int) -> None: ...


@dataclass
class Line:
    """One socket: when it last said something of the market."""

    opened_s: float
    frame_s: float
    """Monotonic second of its last frame of whatever kind, an answer to PING included."""
    heard_s: float
    heard_ms: int
    connected: bool = True
    stalled: bool = False
    """It has said nothing since the venue changed one of its books."""
    clock_ms: int | None = None
    """Its newest clock frame; of the simulator only."""


class Feed:
    def __init__(
        self,
        assets: Sequence[str],
        config: PolymarketConfig,
        outbox: Outbox,
        watermark_ms: int | None = None,
        changed_ms: Mapping[str, int] | None = None,
    ) -> None:
        """Goes on from `watermark_ms`; by then the newest change of an asset's books was that of `changed_ms`."""
        self.clock = VenueClock(config.simulated_clock)
        self.stamp = Stamp(config.lateness_ms, 0, watermark_ms)
        self.roster = Roster(config.tokens_per_socket)
        self.live = asyncio.Event()
        """A socket is open, venue time is known and the catalogue was read once."""
        self.clock_known = asyncio.Event()
        self.books_came = asyncio.Event()
        """The whole book of every market that has been found so far has come."""
        self.poll_due = asyncio.Event()
        self.check_due = asyncio.Event()
        self.resubscribe: set[str] = set()
        """Tokens whose whole book is to be asked for again."""
        self.rejects = 0
        self._assets = tuple(assets)
        self._config = config
        self._outbox = outbox
        self._resumed_ms = watermark_ms
        self._changed_ms = changed_ms or {}
        self._lines: dict[int, Line] = {}
        self._live_ms = 0
        self._poll_slot = self._check_slot = -1
        self._looked_ms = 0
        self._is_blind = False
        self._holes = Holes()

    def now_ms(self, wall_ms: int) -> int | None:
        return self.clock.now_ms(wall_ms)

    def connected(self, line: int, now_s: float, wall_ms: int) -> None:
        shared_metrics.CONNECTIONS.labels(EXCHANGE).inc()
        self._lines[line] = Line(now_s, now_s, now_s, self.now_ms(wall_ms) or 0)
        for one in self.roster.on_line(line):
            one.asked_s = now_s

    def disconnected(self, line: int) -> None:
        """Its books are unknown from its last word on."""
        held = self._lines.get(line)
        if held is None:
            return
        held.connected = False
        books = self.roster.on_line(line)
        # What REST has found to stand of every one of them was told, too: one beginning for all.
        confirmed_ms = min((one.book.confirmed_ms for one in books if one.book.is_kept), default=0)
        for one in books:
            if one.book.is_kept:
                one.lost_ms = max(held.heard_ms, confirmed_ms)
            one.book.forget()

    def closed(self, line: int) -> None:
        """A socket that carries nothing any more."""
        self._lines.pop(line, None)

    def asked(self, tokens: Iterable[str], now_s: float) -> None:
        """These tokens are subscribed now: their whole books are on their way."""
        for token in tokens:
            one = self.roster.of_token(token)
            if one is not None:
                one.asked_s = now_s

    def listed(self, listings: Iterable[Listing], wall_ms: int, absent_ms: Mapping[str, int]) -> list[Listing]:
        """Follows the markets of ours that are open and near; those that are not near yet are given back.

        `absent_ms`: per slug the venue time at which the catalogue last said that there is no such market.
        """
        clock_ms = self.now_ms(wall_ms)
        ahead: dict[str, Listing] = {}
        for listing in listings:
            asset = asset_of(listing.slug)
            if clock_ms is None or asset not in self._assets or listing.closed:
                continue
            if listing.end_ms + ENDED_AFTER_MS <= clock_ms:
                continue
            due_ms = near_ms(listing.start_ms, listing.end_ms, self._config.subscribe_ahead_s * 1000)
            if due_ms > clock_ms:
                ahead[listing.market] = listing
                continue
            one = self.roster.add(asset, listing)
            if one is None:
                continue
            if self._is_blind:
                # Found late: what it did since it came near, though not before the last good look, is lost.
                owed_from_ms = max(due_ms, self._looked_ms)
            else:
                owed_from_ms = max(owed_ms(listing.start_ms, listing.end_ms), absent_ms.get(listing.slug, 0))
            one.lost_ms = max(owed_from_ms, self._live_ms)
            self._publish_prob(one, clock_ms, wall_ms)
        return list(ahead.values())

    def looked(self, clock_ms: int, wall_ms: int) -> None:
        """What the catalogue had to say of `clock_ms` was all told."""
        if self.live.is_set() and self._unseen_ms < clock_ms:
            # A window that opened since then may have ended since then.
            for asset in self._assets:
                self._lost(asset, self._unseen_ms, clock_ms, UNREAD, wall_ms)
        self._looked_ms, self._is_blind = clock_ms, False

    def look_failed(self) -> None:
        """Which markets came near since the last good look is not known."""
        self._is_blind = True

    @property
    def _unseen_ms(self) -> int:
        """Venue time from which on windows may open that no look at the catalogue has shown."""
        return max(self._looked_ms + self._config.subscribe_ahead_s * 1000, self._live_ms)

    def has_books(self) -> bool:
        """Whether the whole book of every market that had not ended at the last look has come."""
        return all(one.book.is_kept for one in self.roster.open() if one.listing.end_ms > self._looked_ms)

    def unknown_books(self, wall_ms: int) -> int:
        """How many books are owed at this moment and not known."""
        clock_ms = self.now_ms(wall_ms)
        owed = (one.lost_ms for one in self.roster.open() if one.lost_ms is not None)
        return 0 if clock_ms is None else sum(lost_ms < clock_ms for lost_ms in owed)

    def go_live(self, wall_ms: int) -> None:
        """The catalogue was read and a socket is open: from now on things are decided."""
        clock_ms = self.now_ms(wall_ms)
        assert clock_ms is not None, "venue time is known once a socket is open"
        if self._resumed_ms is not None and self._resumed_ms < clock_ms:
            for asset in self._assets:
                # What was promised after the last word of the socket may have been a silence not noticed yet.
                from_ms = min(self._resumed_ms, self._changed_ms.get(asset, self._resumed_ms))
                self._lost(asset, from_ms, clock_ms, "restarted", wall_ms)
        # Nothing is owed of the time before.
        self._live_ms = clock_ms
        for one in self.roster.open():
            if one.lost_ms is not None:
                one.lost_ms = max(one.lost_ms, clock_ms)
        self.stamp.begin()
        self.live.set()

    def on_frame(self, line: int, data: bytes, now_s: float, wall_ms: int) -> None:
        """One frame of socket `line`. A bad event is kept in the dead-letter stream and disturbs nothing else."""
        if held := self._lines.get(line):
            held.frame_s = now_s
        try:
            rows, rejects = parse.frame(data)
        except VenueMessageInvalid as error:
            self.reject(str(error), data.decode("utf-8", "replace"), wall_ms)
            return
        self.kept(rejects, wall_ms)
        for row in rows:
            try:
                self._on_row(line, row, now_s, wall_ms)
            except VenueMessageInvalid as error:
                self.reject(str(error), repr(row), wall_ms)

    def kept(self, rejects: Iterable[Reject], wall_ms: int) -> None:
        for one in rejects:
            self.reject(one.reason, one.payload, wall_ms)

    def reject(self, reason: str, payload: str, wall_ms: int) -> None:
        self.rejects += 1
        shared_metrics.REJECTED.labels(EXCHANGE).inc()
        self._outbox.put(dead_letter(EXCHANGE, self.rejects, reason, payload, wall_ms))

    def advance(self, now_s: float, wall_ms: int) -> None:
        """Whatever has become due by time alone: snapshots, ends of windows, checks, polls, watermarks."""
        clock_ms = self.now_ms(wall_ms)
        if clock_ms is None:
            return
        for one in self.roster:
            if one.result is not None and one.result[0] <= clock_ms:
                # By now the socket of its book, be it another one, has told what the book did before.
                self._resolve(one, one.result[1], one.result[0], wall_ms)
            elif not one.ended:
                self._judge(one, clock_ms, wall_ms)
                if one.dirty and clock_ms - one.published_ms >= BOOK_EVERY_MS:
                    self._publish_book(one, one.book.changed_ms, wall_ms)
                elif self._stands(one) and clock_ms - one.published_ms >= STANDING_EVERY_MS:
                    # Until the moment before: what happens at this one comes behind its clock frame.
                    self._publish_book(one, clock_ms - 1, wall_ms)
                if clock_ms >= one.listing.end_ms + ENDED_AFTER_MS:
                    self._holes.leave(one, clock_ms)
                    self.roster.end(one)
            elif clock_ms >= one.listing.end_ms + GIVEN_UP_AFTER_MS:
                self.roster.remove(one)
        for hole in self._holes.ended(self.roster):
            self._lost(*hole, UNKNOWN, wall_ms)
        if decided := self.stamp.decide(clock_ms, now_s):
            self._tell_holes(decided[-1], wall_ms)
        for watermark_ms in decided:
            self._outbox.put_watermark(watermark_ms)
        slot = clock_ms // (self._config.poll_interval_s * 1000)
        if slot != self._poll_slot:
            self._poll_slot = slot
            self.poll_due.set()
        slot = clock_ms // (self._config.book_check_s * 1000)
        if slot != self._check_slot:
            self._check_slot = slot
            self.check_due.set()

    def _tell_holes(self, watermark_ms: int, wall_ms: int) -> None:
        """Whatever is lost before a watermark is told before it, though it lasts."""
        for hole in self._holes.until(self.roster, watermark_ms):
            self._put_lost(*hole, UNKNOWN, wall_ms)
        if self._unseen_ms < watermark_ms:
            for asset in self._assets:
                self._put_lost(asset, self._unseen_ms, watermark_ms, UNREAD, wall_ms)

    def silent(self, now_s: float, wall_ms: int) -> list[int]:
        """Sockets to be left: dead, or without a word of the market though there is one to say."""
        clock_ms = self.now_ms(wall_ms)
        return [
            number
            for number, line in self._lines.items()
            if line.connected and clock_ms is not None and self._is_silent(number, line, now_s, clock_ms)
        ]

    def _is_silent(self, number: int, line: Line, now_s: float, clock_ms: int) -> bool:
        limit_s = self._config.silence_s
        if now_s - line.frame_s > limit_s:
            return True
        if not self.roster.on_line(number):
            return False
        # What REST alone says does not end a socket again and again, should REST be the one that is wrong.
        if line.stalled and now_s - line.opened_s > min(limit_s, STALLED_AFTER_S):
            return True
        # On the venue's clock too, which a simulator may stop.
        return now_s - line.heard_s > limit_s and clock_ms - line.heard_ms > limit_s * 1000

    def unverified(self, now_s: float, wall_ms: int) -> list[str]:
        """Tokens of which not every level was found right within `book_check_s`, or whose whole book has not come."""
        clock_ms = self.now_ms(wall_ms)
        if clock_ms is None:
            return []
        limit_ms = clock_ms - self._config.book_check_s * 1000
        found: list[str] = []
        for one in self.roster.open():
            is_late = one.asked_s is not None and now_s - one.asked_s > FIRST_BOOK_S
            if is_late:
                metrics.MISMATCHES.labels("no_book").inc()
                one.asked_s = None
                self.resubscribe.add(one.listing.yes_token)
            if is_late or one.book.verified_ms <= limit_ms:
                found.append(one.listing.yes_token)
        return found

    def on_check(self, rows: Iterable[BookRow], asked_ms: int, wall_ms: int) -> None:
        """What REST shows: equal to the kept book it confirms it; without one it stands in for it."""
        for row in rows:
            one = self.roster.of_token(row.asset_id)
            if one is None:
                continue
            book = one.book
            if not book.is_kept:
                self._stand_in(one, row, asked_ms, wall_ms)
                continue
            match book.compare(row):
                case "present":
                    book.stood(asked_ms)
                    if asked_ms - one.published_ms >= STANDING_EVERY_MS:
                        self._publish_book(one, asked_ms, wall_ms)
                case "past":
                    book.verified_ms = max(book.verified_ms, row.timestamp)
                case "newer":
                    one.check = one.check or Shown(row, asked_ms, max(asked_ms, row.timestamp) + SETTLED_MS)
                case "differs":
                    self._mistrust(one, "differs", book.verified_ms)
                case "forgotten":
                    pass

    def on_poll(self, listings: Iterable[Listing], wall_ms: int) -> None:
        """The catalogue's newest word of the open markets."""
        clock_ms = self.now_ms(wall_ms)
        if clock_ms is None:
            return
        for listing in listings:
            one = self.roster.of_market(listing.market)
            if one is None:
                continue
            if listing.yes_payout is not None and one.ended:
                self._resolve(one, listing.yes_payout, clock_ms, wall_ms)
            elif not one.ended and not listing.closed:
                one.listing = listing
                one.last = one.last if listing.last is None else listing.last
                self._publish_prob(one, clock_ms, wall_ms)

    def on_winner(self, market: str, token: str | None, wall_ms: int) -> None:
        """What the venue says of a market whose window is over; None: nothing yet."""
        one, clock_ms = self.roster.of_market(market), self.now_ms(wall_ms)
        if one is not None and token is not None and clock_ms is not None:
            self._resolve(one, _payout_of(one.listing, token), clock_ms, wall_ms)

    def on_dropped(self, asset: str, from_ms: int, to_ms: int, wall_ms: int) -> None:
        self._lost(asset, from_ms, to_ms, "spool full", wall_ms)

    def await_result(self, asset: str, listing: Listing) -> None:
        """A market of an earlier start whose result is not in the stream."""
        self.roster.add(asset, listing, ended=True)

    def _on_row(self, line: int, row: parse.Row, now_s: float, wall_ms: int) -> None:
        if isinstance(row, ClockRow):
            self._on_clock(line, row.timestamp, now_s, wall_ms)
            return
        clock_ms = self._time_of(line, wall_ms)
        if clock_ms is None:
            return
        match row:
            case ChangesRow():
                self._on_changes(row, clock_ms, wall_ms)
            case BookRow():
                self._on_book(row, clock_ms, wall_ms)
            case TickRow():
                if one := self.roster.of_token(row.asset_id):
                    one.tick_size = row.new_tick_size
            case LastTradeRow():
                if one := self.roster.of_token(row.asset_id):
                    one.last = row.price
            case ResultRow():
                # Told of every market of the venue.
                if one := self.roster.of_market(row.market):
                    numbers.check_time(row.timestamp, clock_ms)
                    one.result = row.timestamp, _payout_of(one.listing, row.winning_asset_id)
        self._heard(line, now_s, clock_ms)

    def _time_of(self, line: int, wall_ms: int) -> int | None:
        """Venue time as far as this socket has told everything; a simulator's may be ahead of the others."""
        held = self._lines.get(line)
        told_ms = held.clock_ms if held is not None and self._config.simulated_clock else None
        return self.now_ms(wall_ms) if told_ms is None else told_ms

    def _on_clock(self, line: int, time_ms: int, now_s: float, wall_ms: int) -> None:
        """Venue time is what every open socket has reached: none of them has anything earlier to say."""
        held = self._lines.get(line)
        if held is None:
            return
        held.clock_ms = time_ms
        held.heard_ms = held.heard_ms or time_ms
        times = [one.clock_ms for one in self._lines.values() if one.connected and one.clock_ms is not None]
        self.clock.on_frame(max(min(times), self.clock.now_ms(wall_ms) or 0))
        self.clock_known.set()
        self.advance(now_s, wall_ms)

    def _heard(self, line: int, now_s: float, clock_ms: int) -> None:
        held = self._lines.get(line)
        if held is None:
            return
        held.heard_s, held.heard_ms, held.stalled = now_s, clock_ms, False

    def _on_changes(self, row: ChangesRow, clock_ms: int, wall_ms: int) -> None:
        """A message carries both tokens; ours is the one that is subscribed."""
        mine: dict[str, list[parse.Change]] = {}
        for change in row.price_changes:
            mine.setdefault(change.asset_id, []).append(change)
        for token, changes in mine.items():
            one = self.roster.of_token(token)
            if one is None:
                continue
            numbers.check_time(row.timestamp, clock_ms)
            self.clock.on_event(row.timestamp, wall_ms)
            delay_s = self.clock.delay_ms(row.timestamp, wall_ms) / 1000
            shared_metrics.EVENT_DELAY_SECONDS.labels(EXCHANGE).observe(delay_s)
            self._before(one, row.timestamp, wall_ms)
            self._after(one, one.book.change(row.timestamp, changes, clock_ms), row.timestamp, wall_ms)

    def _on_book(self, row: BookRow, clock_ms: int, wall_ms: int) -> None:
        one = self.roster.of_token(row.asset_id)
        if one is None:
            return
        if row.timestamp > clock_ms + numbers.AHEAD_MS:
            raise VenueMessageInvalid(f"timestamp {row.timestamp} is ahead of venue time {clock_ms}")
        was_kept, one.asked_s = one.book.is_kept, None
        one.tick_size = row.tick_size or one.tick_size
        one.last = row.last_trade_price or one.last
        self._before(one, row.timestamp, wall_ms)
        outcome = one.book.replace(row, clock_ms)
        if outcome == "applied":
            self._holes.leave(one, clock_ms)
        # A first book is as old as its last change, yet known to stand now.
        self._after(one, outcome, row.timestamp if was_kept else clock_ms, wall_ms)

    def _before(self, one: Followed, next_ms: int, wall_ms: int) -> None:
        """A state that stood for half a second is told, however late its time is noticed."""
        if one.dirty and next_ms - one.book.changed_ms >= BOOK_EVERY_MS:
            self._publish_book(one, one.book.changed_ms, wall_ms)

    def _after(self, one: Followed, outcome: Outcome, event_ms: int, wall_ms: int) -> None:
        if outcome == "applied":
            one.dirty = True
            if event_ms - one.published_ms >= BOOK_EVERY_MS:
                self._publish_book(one, event_ms, wall_ms)
        elif outcome != "old":
            self._mistrust(one, outcome, one.book.verified_ms)

    def _stands(self, one: Followed) -> bool:
        """Whether venue time itself says that a book of which nothing was heard is as it was.

        So does the simulator's clock frame, which comes on the same socket behind everything earlier.
        """
        line = self._lines.get(one.line)
        return self._config.simulated_clock and one.book.is_kept and line is not None and line.connected

    def _judge(self, one: Followed, clock_ms: int, wall_ms: int) -> None:
        """A book that REST has shown long enough ago must have come over the socket by now."""
        shown, book = one.check, one.book
        if shown is None or clock_ms < shown.due_ms:
            return
        one.check = None
        if not book.is_kept or book.compare(shown.row) != "newer":
            return
        line = self._lines.get(one.line)
        if line is not None and line.heard_ms < shown.row.timestamp:
            line.stalled = True
        self._mistrust(one, "missed", book.confirmed_ms)
        self._stand_in(one, shown.row, shown.asked_ms, wall_ms)

    def _stand_in(self, one: Followed, row: BookRow, asked_ms: int, wall_ms: int) -> None:
        """REST stands in for the socket until that has told the whole book; what lies between two answers is lost."""
        one.book.poll(row, asked_ms)
        if one.book.is_known and asked_ms - one.published_ms >= BOOK_EVERY_MS:
            self._publish_book(one, asked_ms, wall_ms)

    def _mistrust(self, one: Followed, cause: str, right_ms: int) -> None:
        """The kept book was right up to `right_ms`; it is asked for again."""
        metrics.MISMATCHES.labels(cause).inc()
        one.book.forget()
        one.dirty = False
        one.lost_ms = right_ms if one.lost_ms is None else one.lost_ms
        self.resubscribe.add(one.listing.yes_token)

    def _publish_book(self, one: Followed, event_ms: int, wall_ms: int) -> None:
        one.dirty = False
        one.published_ms = max(event_ms, one.published_ms)
        self._outbox.put(outgoing.book(one, event_ms, self.stamp.visible(event_ms), wall_ms))
        if not self.books_came.is_set() and self.has_books():
            self.books_came.set()

    def _publish_prob(self, one: Followed, clock_ms: int, wall_ms: int) -> None:
        width_ms = self._config.poll_interval_s * 1000
        slot_ms = clock_ms // width_ms * width_ms
        self._outbox.put(outgoing.prob(one, clock_ms, self.stamp.visible(clock_ms), wall_ms, slot_ms))

    def _resolve(self, one: Followed, yes_payout: str, event_ms: int, wall_ms: int) -> None:
        if one.dirty:
            self._publish_book(one, one.book.changed_ms, wall_ms)
        market, visible_ms = one.listing.market, self.stamp.visible(event_ms)
        self._holes.leave(one, event_ms)
        self._outbox.put(outgoing.resolved(one.asset, market, yes_payout, event_ms, visible_ms, wall_ms))
        self.roster.remove(one)

    def _lost(self, asset: str, from_ms: int, to_ms: int, reason: str, wall_ms: int) -> None:
        """A hole in the books cannot be filled."""
        self._put_lost(asset, from_ms, to_ms, reason, wall_ms)
        shared_metrics.GAPS.labels(EXCHANGE, "lost").inc()

    def _put_lost(self, asset: str, from_ms: int, to_ms: int, reason: str, wall_ms: int) -> None:
        visible_ms = self.stamp.visible(from_ms)
        self._outbox.put(gaps.gap(EXCHANGE, asset, "book", from_ms, to_ms, "lost", reason, visible_ms, wall_ms))


def _payout_of(listing: Listing, winning_token: str) -> str:
    """VenueMessageInvalid when the winner is neither of its tokens."""
    if winning_token not in (listing.yes_token, listing.no_token):
        raise VenueMessageInvalid(f"winning_asset_id {winning_token[:80]} is no token of {listing.market}")
    return "1" if winning_token == listing.yes_token else "0"
