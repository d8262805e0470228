"""The broker's one writing connection: it holds the lock, and each applied input is one transaction on it."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import asyncpg
import msgspec
import structlog

from paper_broker import metrics
from paper_broker.outbox import OutboxRow, stored, storing
from paper_broker.rows import Statement, command_statement, insert, ledger_statements, statements
from paper_broker.together import as_one, broken, groups
from trading_core import ids
from trading_core.broker.announce import announcement
from trading_core.broker.events import Decision, Event, Fill
from trading_core.broker.inputs import Place
from trading_core.broker.rules import RuleBook
from trading_core.control.requests import Answer, Request, applied, decode_answer
from trading_core.db.times import millis, utc
from trading_core.errors import ConfigError, TradingError
from trading_core.faultpoints import faultpoint
from trading_core.ledger.accounts import Accounts, Held
from trading_core.ledger.entries import capital_entry, ledger_entries, valued_from_ms
from trading_core.messages import ExecMessage
from trading_core.sequence import checkpoint as checkpoints
from trading_core.sequence.checkpoint import Checkpoint
from trading_core.strategy.registry import LoadedStrategy

_LOCK = "SELECT pg_try_advisory_lock(hashtext('broker'), hashtext($1))"
_OPEN = """
INSERT INTO trading_paper.portfolio (name, initial_capital) VALUES ($1, $2)
ON CONFLICT (name) DO UPDATE SET writer_epoch = portfolio.writer_epoch + 1 RETURNING id, initial_capital, writer_epoch
"""
_ANSWER = """
SELECT verb, request, answer, applied_at FROM trading_paper.commands WHERE portfolio_id = $1 AND request_id = $2
"""
_EPOCH = "SELECT writer_epoch FROM trading_paper.portfolio WHERE id = $1 FOR SHARE"
_BALANCES = "SELECT account, balance FROM trading_paper.ledger_balances WHERE portfolio_id = $1"
_HELD = """
SELECT position_id, signed_quantity, earned FROM trading_paper.ledger_positions WHERE position_id = ANY($1)
"""
_STRATEGIES = """
INSERT INTO trading_paper.strategies (name, class_name, interval, assets, exchanges, docs, params, rules)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
ON CONFLICT (name) DO UPDATE SET class_name = EXCLUDED.class_name, interval = EXCLUDED.interval,
    assets = EXCLUDED.assets, exchanges = EXCLUDED.exchanges, docs = EXCLUDED.docs, params = EXCLUDED.params,
    rules = EXCLUDED.rules, updated_at = now()
"""
_CHECKPOINT = """
INSERT INTO trading_paper.checkpoints (portfolio_id, visible_ms, rank, key, state) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (portfolio_id) DO UPDATE SET visible_ms = $2, rank = $3, key = $4, state = $5, updated_at = now()
"""
# A late signal that is applied at the same place belongs to the new day: what is stored already stays.
_DAY_CHECKPOINT = """
INSERT INTO trading_paper.day_checkpoints (portfolio_id, day, state) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING
"""
_TIDY = (
    "DELETE FROM trading_paper.grid_inbox "
    "WHERE portfolio_id = $1 AND eval_ms < extract(epoch FROM $2::timestamptz) * 1000",
    "DELETE FROM trading_paper.signal_inbox "
    "WHERE portfolio_id = $1 AND eval_ms < extract(epoch FROM $2::timestamptz) * 1000 AND state = 'applied'",
    "DELETE FROM trading_paper.outbox "
    "WHERE portfolio_id = $1 AND sent_at < least($2::timestamptz, now() - interval '7 days')",
    "DELETE FROM trading_paper.day_checkpoints "
    "WHERE portfolio_id = $1 AND day < ($2::timestamptz AT TIME ZONE 'UTC')::date - 400",
)


log = structlog.get_logger()


class LedgerBroken(TradingError):
    """A row that must be there is not: stop rather than trade on."""


class Replaced(TradingError):
    """Another broker has taken over, while this one was stopped or cut off: stand by instead."""


@dataclass(frozen=True)
class Writer:
    """Who writes a portfolio beside the connection that holds the lock; refused once another has a later epoch."""

    portfolio: str
    portfolio_id: int
    epoch: int

    async def prove(self, connection: asyncpg.Connection) -> None:
        """In a transaction: nobody takes over before it ends. Replaced when somebody has already."""
        newest = await connection.fetchval(_EPOCH, self.portfolio_id)
        if newest != self.epoch:
            raise Replaced(f"portfolio {self.portfolio} has a writer of epoch {newest}, this one is of {self.epoch}")


class Ledger:
    """Everything that a portfolio's broker reads and writes in `trading_paper`."""

    def __init__(self, connection: asyncpg.Connection, portfolio: str) -> None:
        self._db = connection
        self.portfolio = portfolio
        self.portfolio_id = -1
        self._epoch = -1
        self._accounts = Accounts()

    @property
    def writer(self) -> Writer:
        return Writer(self.portfolio, self.portfolio_id, self._epoch)

    async def lock(self) -> bool:
        """Become the one writer of this portfolio; False while another process is. Freed with the connection."""
        return bool(await self._db.fetchval(_LOCK, self.portfolio))

    async def ping(self) -> None:
        """Keeps `idle_session_timeout` from ending the session, and finds out that it has ended."""
        await self._db.execute("SELECT 1")

    async def open_portfolio(self, rules: RuleBook) -> None:
        """The portfolio's row and its capital, as its newest writer. ConfigError when it has another capital."""
        async with self._db.transaction():
            row = await self._db.fetchrow(_OPEN, rules.portfolio, rules.initial_capital)
            self.portfolio_id, self._epoch = row["id"], row["writer_epoch"]
            if row["initial_capital"] != rules.initial_capital:
                raise ConfigError(
                    f"config.yaml: broker.initial_capital is {rules.initial_capital}, but portfolio {rules.portfolio} "
                    f"was opened with {row['initial_capital']}. Set it back, or name another portfolio in "
                    "broker.portfolio."
                )
            capital = capital_entry(rules.portfolio, rules.initial_capital)
            known = "SELECT EXISTS (SELECT FROM trading_paper.ledger_entries WHERE event_id = $1)"
            if not await self._db.fetchval(known, capital.event_id):
                await self._run(list(ledger_statements([capital], self.portfolio_id, 0)))

    async def load_accounts(self, open_positions: Sequence[str]) -> None:
        """The balances that the next commits are checked against."""
        balances = await self._db.fetch(_BALANCES, self.portfolio_id)
        held = await self._db.fetch(_HELD, list(open_positions))
        self._accounts = Accounts(
            {row["account"]: row["balance"] for row in balances},
            {row["position_id"]: Held(row["signed_quantity"], row["earned"]) for row in held},
        )

    async def list_strategies(self, strategies: Sequence[LoadedStrategy]) -> None:
        """The rows that the dashboard shows; a pause survives."""
        await self._db.executemany(
            _STRATEGIES,
            [
                (
                    s.name, s.class_name, s.interval, list(s.assets), list(s.exchanges), s.docs,
                    json.dumps(s.params), json.dumps(s.rules.model_dump(mode="json", exclude_unset=True)),
                )
                for s in strategies
            ],
        )  # fmt: skip

    async def checkpoint(self) -> Checkpoint | None:
        row = await self._db.fetchrow(
            "SELECT visible_ms, rank, key, state FROM trading_paper.checkpoints WHERE portfolio_id = $1",
            self.portfolio_id,
        )
        if row is None:
            return None
        return checkpoints.load(Place(row["visible_ms"], row["rank"], row["key"]), row["state"])

    async def skips_after(self, ts: int) -> list[tuple[int, str, int | None]]:
        """Skips already on the record for grid points after `ts`: (grid point, who, watermark)."""
        rows = await self._db.fetch(
            "SELECT ts, who, watermark_ms FROM trading_paper.skips WHERE portfolio_id = $1 AND ts > $2 ORDER BY ts",
            self.portfolio_id,
            utc(ts),
        )
        return [(millis(row["ts"]), row["who"], row["watermark_ms"]) for row in rows]

    async def commit(
        self, events: Sequence[Event], checkpoint: Checkpoint, also: Sequence[Statement] = ()
    ) -> list[OutboxRow]:
        """One transaction: rows, entries, outbox and the checkpoint after them. LedgerBroken when an invariant is.

        Returns the outbox rows; none when one of them has been stored before.
        """
        began = time.monotonic()
        entries = ledger_entries(events)
        for identity, event_id in self._accounts.take(entries, events):
            metrics.IDENTITY_VIOLATIONS.labels(identity).inc()
            log.error("identity_broken", identity=identity, event_id=event_id)
        rows = [statement for event in events for statement in statements(event, self.portfolio_id)]
        rows += ledger_statements(entries, self.portfolio_id, valued_from_ms(checkpoint.resume.place))
        outgoing = [announcement(event, self.portfolio) for event in events]
        row_ids = await self._commit([*rows, *also, storing(outgoing, self.portfolio_id), *self._saved(checkpoint)])
        faultpoint("broker.after_commit")
        metrics.COMMIT_SECONDS.observe(time.monotonic() - began)
        for event in events:
            _count(event)
        return stored(outgoing, row_ids, began)

    async def answer_to(self, verb: str, request: Request) -> Answer | None:
        """What this request was answered when it was applied; None for a new one, refused for another of its id."""
        row = await self._db.fetchrow(_ANSWER, self.portfolio_id, request.request_id)
        if row is None:
            return None
        if (row["verb"], msgspec.json.decode(row["request"], type=Request)) != (verb, request):
            reason = f"request id {request.request_id} was another request at {row['applied_at']:%Y-%m-%d %H:%M} UTC."
            return Answer(request_id=request.request_id, status="refused", reason=f"{reason} Take a new id.")
        return decode_answer(row["answer"])

    async def commit_command(self, events: Sequence[Event], checkpoint: Checkpoint, request: Request) -> Answer:
        """A command and all it caused in one transaction, with the answer for whoever asks again."""
        done, answer = applied(request, events)
        await self.commit(events, checkpoint, [command_statement(done, request, answer, self.portfolio_id)])
        return answer

    async def commit_skips(self, ts: int, skipped: Mapping[str, int | None]) -> None:
        """Who was not waited for at grid point `ts`, before anything of it is applied. Safe to repeat."""
        async with self._db.transaction():
            outgoing = []
            for who, watermark_ms in skipped.items():
                record = {"ts": ts, "who": who, "watermark_ms": watermark_ms}
                skip = insert(
                    "skips",
                    {
                        "event_id": ids.skip(self.portfolio, ts, who),
                        "portfolio_id": self.portfolio_id,
                        "ts": utc(ts),
                        "who": who,
                        "watermark_ms": watermark_ms,
                        "body": json.dumps(record),
                    },
                )
                await self._run([Statement(f"{skip.sql} ON CONFLICT DO NOTHING", skip.values)])
                outgoing.append(self._skip_message(ts, who, record))
                metrics.SKIPS.labels(who).inc()
            await self._run([storing(outgoing, self.portfolio_id)])

    async def tidy(self, before_ms: int) -> None:
        """Drop what only a restart would have needed, outbox rows sent a week ago, and day checkpoints of last year."""
        for statement in _TIDY:
            await self._db.execute(statement, self.portfolio_id, utc(before_ms))

    def _skip_message(self, ts: int, who: str, record: dict[str, Any]) -> ExecMessage:
        return ExecMessage(
            id=ids.skip(self.portfolio, ts, who),
            kind="skip",
            portfolio=self.portfolio,
            event_time_ms=ts,
            outbox_id=0,
            body=record,
        )

    def _saved(self, checkpoint: Checkpoint) -> list[Statement]:
        place, text = checkpoint.resume.place, checkpoint.dump()
        values = (self.portfolio_id, place.visible_ms, int(place.rank), place.key, text)
        saved = [Statement(_CHECKPOINT, values, rows=1)]
        if checkpoint.day_ms is not None:
            saved.append(Statement(_DAY_CHECKPOINT, (self.portfolio_id, utc(checkpoint.day_ms).date(), text)))
        return saved

    async def _commit(self, wanted: Sequence[Statement]) -> list[Any]:
        """`_run` in a transaction of its own: that of the one statement which most inputs make."""
        *before, last = groups(wanted)
        if not before:
            faultpoint("broker.before_commit")
            return await self._run_one(last)
        async with self._db.transaction():
            returned = await self._run(wanted)
            faultpoint("broker.before_commit")
            return returned

    async def _run(self, wanted: Sequence[Statement]) -> list[Any]:
        """What the statements that return something have returned, one after the other."""
        returned: list[Any] = []
        for group in groups(wanted):
            returned += await self._run_one(group)
        return returned

    async def _run_one(self, group: list[Statement]) -> list[Any]:
        sql, values = as_one(group)
        try:
            answers = await self._db.fetchrow(sql, *values)
        except asyncpg.RaiseError as error:
            raise LedgerBroken(broken(group, error)) from error
        pairs = zip(group, answers, strict=True)
        return [value for statement, answer in pairs if statement.returning for value in answer or ()]


def _count(event: Event) -> None:
    match event:
        case Decision():
            metrics.DECISIONS.labels(event.strategy, event.decision, event.reason or "").inc()
            if event.late:
                metrics.LATE_SIGNALS.labels(event.strategy).inc()
        case Fill():
            metrics.FILLS.labels(event.strategy, event.purpose).inc()
        case _:
            pass
