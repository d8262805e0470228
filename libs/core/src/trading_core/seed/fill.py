"""A made-up past, day by day, through the broker's core into a database."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import asyncpg
import msgspec

from trading_core.broker import book as books
from trading_core.broker.announce import kind_of
from trading_core.broker.inputs import Input, Place, Rank
from trading_core.broker.rules import RuleBook
from trading_core.db.coverage import note_days
from trading_core.db.partitions import make_partitions_from
from trading_core.db.times import utc
from trading_core.errors import TradingError
from trading_core.messages import OpsMessage, SignalMessage
from trading_core.model import DAY_MS, MINUTE_MS
from trading_core.parity.results import Result, verdict
from trading_core.parity.store import store as store_report
from trading_core.seed import evaluations, recorded
from trading_core.seed.afternoon import Afternoon
from trading_core.seed.ledger import Ledger, replayed
from trading_core.seed.tables import Rows
from trading_core.seed.tape import HYPERLIQUID, Tape
from trading_core.seed.windows import EXCHANGE as POLYMARKET
from trading_core.sequence.checkpoint import Checkpoint
from trading_core.sequence.minute import inputs_of_minute
from trading_core.sequence.sequencer import Resume
from trading_core.strategy.registry import LoadedStrategy

DAY_MINUTES = DAY_MS // MINUTE_MS
CHECKED_DAYS = 7
"""So many last whole days are replayed from their first book, as the nightly parity check does."""
PACE = 12
"""So many positions more than an even pace may have been opened."""
NOTICE_ID = "seed:made-up"
Progress = Callable[[int, int], None]
_encode = msgspec.json.Encoder().encode
_PORTFOLIO = """
INSERT INTO trading_paper.portfolio (name, initial_capital, created_at) VALUES ($1, $2, $3) RETURNING id
"""
_STRATEGY = """
INSERT INTO trading_paper.strategies (name, class_name, interval, assets, exchanges, docs, params, rules, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
"""
_PAUSED = "UPDATE trading_paper.strategies SET status = 'paused', status_reason = $2 WHERE name = $1"
_CHECKPOINT = """
INSERT INTO trading_paper.checkpoints (portfolio_id, visible_ms, rank, key, state) VALUES ($1, $2, $3, $4, $5)
"""
_VIOLATIONS = "SELECT kind, id FROM trading_paper.identity_violations LIMIT 10"


@dataclass
class Filled:
    """What was written."""

    opened: int = 0
    closed: int = 0
    rows: int = 0
    signals: int = 0
    reports: list[Result] = field(default_factory=list)


@dataclass
class _Day:
    """A day that is checked once it is over: the book it began with, its inputs, and what came of them."""

    book: bytes
    inputs: list[tuple[Place, Input]] = field(default_factory=list)
    events: list[bytes] = field(default_factory=list)
    compared: Counter[str] = field(default_factory=Counter)


async def fill(
    connection: asyncpg.Connection,
    tape: Tape,
    strategies: Sequence[LoadedStrategy],
    rules: RuleBook,
    notice: str,
    progress: Progress | None = None,
) -> Filled:
    """Writes the whole past, one transaction a day. The database must be migrated and empty; its owner fills it."""
    wanted = tape.wanted
    days = wanted.minutes // DAY_MINUTES
    afternoon = Afternoon(wanted, frozenset(one.name for one in strategies))
    await make_partitions_from(connection, wanted.from_ms)
    portfolio_id = await _open(connection, strategies, rules, wanted.from_ms)
    rows = Rows()
    ledger = Ledger(rules, portfolio_id, rows)
    done = Filled()
    _note(rows, wanted.to_ms, notice)
    for report in afternoon.reports():
        _report(rows, report)
    for walk in tape.walks.values():
        recorded.add_snapshots(rows, walk, wanted.end)
        for hole in walk.holes:
            recorded.add_gap(rows, walk, hole)
    for day in range(days):
        checked = _Day(books.dump(ledger.book)) if days - CHECKED_DAYS <= day + 1 < days else None
        first, end = day * DAY_MINUTES, min((day + 1) * DAY_MINUTES, wanted.end)
        for walk in tape.walks.values():
            recorded.add_candles(rows, walk, first, end)
        for minute in range(first + 1, end + 1):
            said = _minute(tape, ledger, rows, minute, afternoon, checked)
            done.signals += len(said)
            if day >= days - evaluations.DAYS:
                _evaluated(tape, strategies, ledger, rows, minute, said, afternoon)
        ts = wanted.from_ms + end * MINUTE_MS
        _watermarks(rows, ts)
        if day == days - 1:
            ledger.finish()
        else:
            ledger.settle(ts)
        done.rows += await rows.copy(connection)
        if checked is not None:
            done.reports.append(await _check(connection, checked, rules, ts))
        if progress is not None:
            progress(day + 1, days)
    await connection.executemany(_PAUSED, list(ledger.paused.items()))
    place = Place(wanted.to_ms, Rank.EQUITY, "")
    state = Checkpoint(Resume(wanted.to_ms, place, {}), ledger.book, {}).dump()
    await connection.execute(_CHECKPOINT, portfolio_id, place.visible_ms, place.rank, place.key, state)
    done.opened, done.closed = ledger.opened, ledger.opened - len(ledger.book.positions)
    await connection.execute("SELECT setval('trading_signals.signals_id_seq', $1)", max(1, ledger.newest_signal_id))
    await note_days(connection, every_day=True)
    await connection.execute("ANALYZE")
    if broken := await connection.fetch(_VIOLATIONS):
        raise TradingError(f"the made-up ledger breaks {len(broken)} identities, the first at {broken[0]['id']}")
    return done


def _minute(
    tape: Tape, ledger: Ledger, rows: Rows, minute: int, afternoon: Afternoon, checked: _Day | None
) -> list[SignalMessage]:
    """Applies one grid point and what a person asks after it; its signals."""
    ts = tape.wanted.from_ms + minute * MINUTE_MS
    market = tape.market(minute)
    for message in market:
        recorded.add_message(rows, message)
    # There are more opinions than trades are wanted: where the even pace is ahead, strategies only close.
    wanted = tape.wanted
    allowed = min(wanted.trades, wanted.trades * minute // wanted.end + PACE)
    mute = afternoon.mute(ts)
    signals = [
        one for one in tape.signals(minute)
        if (one.direction == "CLOSE" or ledger.opened < allowed) and (one.strategy, one.asset) not in mute
    ]  # fmt: skip
    for signal in signals:
        ledger.hear(signal)
    for place, given in inputs_of_minute(ts, market, [], signals):
        events = ledger.apply(place, given)
        if checked is not None:
            checked.inputs.append((place, given))
            checked.events += [_encode(event) for event in events]
            checked.compared.update(kind_of(event) for event in events)
    for command, request in afternoon.asked(ts, ledger.book, ledger.rules):
        ledger.obey(command, request)
    return signals


def _evaluated(
    tape: Tape, strategies: Sequence[LoadedStrategy], ledger: Ledger, rows: Rows, minute: int,
    said: list[SignalMessage], afternoon: Afternoon,
) -> None:  # fmt: skip
    """Puts down who had no opinion, and that the grid point is through. The broker does nothing about either."""
    ts = tape.wanted.from_ms + minute * MINUTE_MS
    heard = bool(tape.heard[minute - 1])
    silent = list(evaluations.passes(strategies, tape.wanted.assets, ts, heard, said, afternoon.mute(ts)))
    for signal in silent:
        ledger.hear(signal)
    rows.extend("trading_ops.grids", evaluations.grids(strategies, tape.wanted.assets, ts, [*said, *silent]))


async def _check(connection: asyncpg.Connection, day: _Day, rules: RuleBook, ts_ms: int) -> Result:
    """Replays the day and stores what the comparison found. AssertionError when a byte differs."""
    again = replayed(day.book, rules, day.inputs)
    different = sum(one != other for one, other in zip(day.events, again, strict=False))
    different += abs(len(day.events) - len(again))
    assert not different, f"{different} events of the day that ends at {ts_ms} differ when they are replayed"
    result = Result(
        portfolio=rules.portfolio, order="recorded", first_ms=ts_ms - DAY_MS + MINUTE_MS, last_ms=ts_ms,
        from_checkpoint=True, verdict=verdict("recorded", different, 0), compared=day.compared, causes=Counter(),
        differences=[], difference_count=different, duration_ms=0,
    )  # fmt: skip
    await store_report(connection, result, nightly=False)
    return result


async def _open(
    connection: asyncpg.Connection, strategies: Sequence[LoadedStrategy], rules: RuleBook, from_ms: int
) -> int:
    async with connection.transaction():
        await connection.executemany(
            _STRATEGY,
            [
                (
                    one.name, one.class_name, one.interval, list(one.assets), list(one.exchanges), one.docs,
                    _encode(one.params).decode(),
                    _encode(one.rules.model_dump(mode="json", exclude_unset=True)).decode(), utc(from_ms),
                )
                for one in strategies
            ],
        )  # fmt: skip
        return int(await connection.fetchval(_PORTFOLIO, rules.portfolio, rules.initial_capital, utc(from_ms)))


def _watermarks(rows: Rows, ts: int) -> None:
    for exchange in (HYPERLIQUID, POLYMARKET):
        for stream in ("MARKET", "BOOK"):
            rows.add("trading_ops.watermarks", exchange, stream, ts, utc(ts))


def _note(rows: Rows, ts: int, notice: str) -> None:
    """What tells every reader of this database that nothing in it happened."""
    message = OpsMessage(id=NOTICE_ID, service="seed", event="seeded", event_time_ms=ts, body={"notice": notice})
    _report(rows, message)


def _report(rows: Rows, message: OpsMessage) -> None:
    assert message.event_time_ms is not None
    rows.add(
        "trading_ops.events", message.id, utc(message.event_time_ms), message.service, message.event, message.severity,
        _encode(message.body).decode(),
    )  # fmt: skip
