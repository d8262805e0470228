"""When a grid point may be passed, and what is then applied: the broker's one order, live.

The rules are those of docs/concepts/event-time.md: grid point T is passed when the watermark of every
exchange in use and every grid message for T are in. A party that does not come is skipped, on the
record; its messages up to its watermark keep their place, later ones are held until it is back.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from trading_core.broker.inputs import Place, Rank
from trading_core.messages import MarketData, SignalMessage, WatermarkMessage
from trading_core.model import MINUTE_MS
from trading_core.sequence.grid import GridTracker, Shard
from trading_core.sequence.minute import Step, inputs_of_minute, signal_input
from trading_core.sequence.timeline import Timeline, order_of


@dataclass(frozen=True)
class Blockers:
    """Who keeps the next grid point from being passed; `proven` when somebody else has reached it."""

    ts: int
    exchanges: tuple[str, ...]
    shards: tuple[Shard, ...]
    proven: bool

    def __bool__(self) -> bool:
        return bool(self.exchanges or self.shards)


@dataclass
class Skips:
    """Who is not waited for: an exchange with its watermark of the moment it was given up, or a shard."""

    exchanges: dict[str, int] = field(default_factory=dict)
    shards: set[Shard] = field(default_factory=set)

    def named(self) -> dict[str, int | None]:
        """`who` of each skip event, with the watermark of an exchange."""
        shards: dict[str, int | None] = {f"{grid}/{asset}": None for grid, asset in sorted(self.shards)}
        return dict(sorted(self.exchanges.items())) | shards


@dataclass(frozen=True)
class Minute:
    """One passed grid point: its steps in order of application, and who was skipped for it."""

    ts: int
    steps: list[Step]
    skipped: dict[str, int | None]


@dataclass(frozen=True)
class Resume:
    """What a checkpoint keeps of a sequencer: enough to give out exactly the steps after `place`."""

    start_ms: int
    place: Place
    applied_ms: dict[str, int]


class Sequencer:
    """Holds messages until their grid point is passed and gives them out in order of application.

    Fresh: `start_ms` is the grid point before the first one. After a restart: `Resume` from the
    checkpoint; steps up to its place are not given out again.
    """

    def __init__(self, *, exchanges: Iterable[str], shards: Iterable[Shard], start: int | Resume) -> None:
        self.exchanges = tuple(exchanges)
        self.shards = tuple(sorted(shards))
        if isinstance(start, int):
            start = Resume(start, Place(start, Rank.EQUITY, ""), {})
        if start.start_ms % MINUTE_MS:
            raise ValueError(f"a sequencer starts at a full minute, got {start.start_ms}")
        self.passed_ms = start.start_ms
        self.place = start.place
        self._applied_ms = dict.fromkeys(self.exchanges, start.start_ms) | start.applied_ms
        self._applied_before = dict(self._applied_ms)
        self.skips = Skips()
        self.late: deque[SignalMessage] = deque()
        self.timeline = Timeline(self.exchanges)
        self._tracker = GridTracker()
        self._signals: dict[int, dict[str, SignalMessage]] = {}

    @property
    def next_ms(self) -> int:
        return self.passed_ms + MINUTE_MS

    def add_market(self, stream: str, message: MarketData | WatermarkMessage) -> None:
        self.timeline.add(stream, message)
        self._return_of_exchange(message.exchange)

    def add_signal(self, message: SignalMessage) -> None:
        """A LONG, SHORT or CLOSE that is safely stored; one whose grid point was passed is late."""
        if message.ts <= self.passed_ms:
            self.late.append(message)
        else:
            self._signals.setdefault(message.ts, {})[message.id] = message

    def add_complete_grid(self, shard: Shard, ts: int) -> None:
        """All evaluations of this shard at `ts` are stored."""
        if ts > self.passed_ms:
            self._tracker.mark_complete(shard, ts)
        if ts >= self.passed_ms:
            self.skips.shards.discard(shard)

    def blockers(self) -> Blockers:
        ts = self.next_ms
        exchanges = tuple(
            exchange
            for exchange in self.exchanges
            if exchange not in self.skips.exchanges and self.timeline.watermark(exchange) < ts
        )
        shards = tuple(
            shard
            for shard in self.shards
            if shard not in self.skips.shards and not self._tracker.is_complete(shard, ts)
        )
        proven = any(self.timeline.watermark(exchange) >= ts for exchange in self.exchanges) or any(
            self._tracker.newest(shard) >= ts for shard in self.shards
        )
        return Blockers(ts, exchanges, shards, proven)

    def overdue_ms(self) -> int:
        """By how much the newest watermark is beyond the next grid point, which somebody still keeps from passing."""
        newest = max((self.timeline.watermark(exchange) for exchange in self.exchanges), default=self.passed_ms)
        return max(0, newest - self.next_ms)

    def skip_exchange(self, exchange: str) -> int:
        """Go on without this exchange from the next grid point; its watermark at this moment."""
        watermark = self.timeline.watermark(exchange)
        self.skips.exchanges[exchange] = watermark
        return watermark

    def skip_shard(self, shard: Shard) -> None:
        self.skips.shards.add(shard)

    def restore_skip(self, who: str, watermark_ms: int | None) -> None:
        """A skip of the next grid point that is on the record already, as `Skips.named` spells it."""
        if watermark_ms is not None:
            self.skips.exchanges[who] = watermark_ms
        else:
            grid, asset = who.split("/")
            self.skips.shards.add((grid, asset))

    def pass_minute(self) -> Minute | None:
        """The next grid point, which is then passed; None while something blocks it."""
        return None if self.blockers() else self._pass()

    def pass_recorded(self, skipped: dict[str, int]) -> Minute:
        """The next grid point as a recorded run passed it: without waiting, with that run's skips."""
        self.skips.exchanges = dict(skipped)
        return self._pass()

    def _pass(self) -> Minute:
        ts = self.next_ms
        events: list[MarketData] = []
        held: list[MarketData] = []
        self._applied_before = dict(self._applied_ms)
        for exchange in self.exchanges:
            limit = min(ts, self.skips.exchanges.get(exchange, ts))
            applied_ms = self._applied_ms[exchange]
            for message in self.timeline.take(exchange, limit):
                if message.visible_ms > applied_ms:  # else it was applied before a restart
                    (held if message.visible_ms <= self.passed_ms else events).append(message)
            self._applied_ms[exchange] = max(applied_ms, limit)
        if len(self.exchanges) > 1:
            events.sort(key=order_of)
            held.sort(key=order_of)
        signals = self._signals.pop(ts, {}).values()
        steps = list(inputs_of_minute(ts, events, held, signals))
        if self.place.visible_ms > self.passed_ms:  # restored in the midst of this grid point
            steps = [step for step in steps if step[0] > self.place]
        self.passed_ms = ts
        self._tracker.forget(self.shards, ts)
        return Minute(ts, steps, self.skips.named())

    def take_late(self) -> Step | None:
        """The next late signal, to be applied right after the last applied step; None when there is none."""
        if not self.late:
            return None
        return self.place, signal_input(self.late.popleft(), self.place, late=True)

    def advance(self, place: Place) -> None:
        """This step is applied."""
        self.place = place

    def resume(self) -> Resume:
        """What the next checkpoint keeps: a grid point counts as passed once its last step is applied."""
        if self.place.visible_ms == self.passed_ms and self.place.rank == Rank.EQUITY:
            return Resume(self.passed_ms, self.place, dict(self._applied_ms))
        return Resume(self.passed_ms - MINUTE_MS, self.place, dict(self._applied_before))

    def _return_of_exchange(self, exchange: str) -> None:
        """A skipped exchange is waited for again once its watermark has reached the last passed grid point."""
        if exchange in self.skips.exchanges and self.timeline.watermark(exchange) >= self.passed_ms:
            del self.skips.exchanges[exchange]
