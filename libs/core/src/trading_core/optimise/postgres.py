"""Studies and their trials in PostgreSQL: `trading_paper.optimise_studies` and `optimise_trials`."""

from __future__ import annotations

import asyncio
from typing import Any

import asyncpg
import msgspec

from trading_core.db.pool import AWAY, CONNECT_S, REFUSED, where
from trading_core.db.times import utc
from trading_core.errors import ConfigError, one_line
from trading_core.optimise.figures import Outcome
from trading_core.optimise.study import Study
from trading_core.optimise.verdict import Judgement

_AWAY = (*AWAY, *REFUSED)
_STUDY = """
INSERT INTO trading_paper.optimise_studies
    (key, strategy, class_name, metric, search, seed, trials, assets, source, from_ts, to_ts, folds, params, code_hash,
     params_hash)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
ON CONFLICT (key) DO UPDATE SET
    metric = EXCLUDED.metric, trials = EXCLUDED.trials, updated_at = now(),
    verdict = NULL, judgement = NULL, best = NULL
RETURNING id
"""
_TRIALS = """
SELECT number, params, in_sample, out_of_sample, refused, failed FROM trading_paper.optimise_trials WHERE study_id = $1
"""
_TRIAL = """
INSERT INTO trading_paper.optimise_trials (study_id, number, params, in_sample, out_of_sample, refused, failed)
VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (study_id, number) DO NOTHING
"""
_FINISH = """
UPDATE trading_paper.optimise_studies SET updated_at = now(), verdict = $2, judgement = $3, best = $4 WHERE id = $1
"""


class PostgresStore:
    """One study. What cannot be stored while the server is away is stored with the next outcome, or at the end."""

    def __init__(self, url: str, study: Study) -> None:
        """ConfigError when the server cannot be reached or has no such tables."""
        self._url = url
        self._runner = asyncio.Runner()
        self._waiting: list[Outcome] = []
        self._connection: asyncpg.Connection | None = None
        try:
            self._study_id: int = self._runner.run(self._open(study))
        except (*_AWAY, asyncpg.PostgresError) as error:
            self._runner.close()
            hint = " (`python -m trading_core migrate` makes its tables)" if isinstance(error, _NO_TABLES) else ""
            raise ConfigError(f"{where(url)}: {one_line(error)}{hint}") from error
        self.place: str | None = f"study {self._study_id} of {where(url)}"

    def load(self) -> list[Outcome]:
        rows = self._runner.run(self._fetch())
        return [
            msgspec.convert(
                {
                    "number": row["number"],
                    "params": msgspec.json.decode(row["params"]),
                    "folds": _pairs(row["in_sample"], row["out_of_sample"]),
                    "refused": row["refused"],
                    "failed": row["failed"],
                },
                Outcome,
            )
            for row in rows
        ]

    def save(self, outcome: Outcome) -> None:
        self._waiting.append(outcome)
        self._runner.run(self._store())

    def finish(self, judgement: Judgement | None, best: int | None) -> str | None:
        self._runner.run(self._store())
        if self._waiting:
            return f"{len(self._waiting)} sets were not saved: {where(self._url)} is away."
        try:
            self._runner.run(self._finish(judgement, best))
        except (*_AWAY, asyncpg.PostgresError) as error:
            return f"The verdict was not saved: {where(self._url)}: {one_line(error)}"
        return f"Saved as optimise study {self._study_id}."

    def close(self) -> None:
        if self._connection is not None and not self._connection.is_closed():
            self._runner.run(self._connection.close())
        self._runner.close()

    async def _connected(self) -> asyncpg.Connection:
        if self._connection is None or self._connection.is_closed():
            self._connection = await asyncpg.connect(
                self._url, timeout=CONNECT_S, server_settings={"application_name": "optimise"}
            )
        return self._connection

    async def _open(self, study: Study) -> int:
        connection = await self._connected()
        found: int = await connection.fetchval(
            _STUDY, study.key, study.strategy, study.class_name, study.metric, study.search, study.seed, study.trials,
            list(study.assets), study.source, utc(study.from_ms), utc(study.to_ms), _json(study.folds),
            _json(study.params), study.code_hash, study.params_hash,
        )  # fmt: skip
        return found

    async def _fetch(self) -> list[Any]:
        return list(await (await self._connected()).fetch(_TRIALS, self._study_id))

    async def _store(self) -> None:
        try:
            connection = await self._connected()
            while self._waiting:
                await connection.execute(_TRIAL, self._study_id, *_row(self._waiting[0]))
                self._waiting.pop(0)
        except (*_AWAY, asyncpg.PostgresError):
            return  # they wait: hours of work must not end because a server is started again

    async def _finish(self, judgement: Judgement | None, best: int | None) -> None:
        verdict = None if judgement is None else judgement.verdict
        said = None if judgement is None else _json(judgement)
        await (await self._connected()).execute(_FINISH, self._study_id, verdict, said, best)


_NO_TABLES = (asyncpg.UndefinedTableError, asyncpg.InvalidSchemaNameError, asyncpg.InsufficientPrivilegeError)


def _row(outcome: Outcome) -> tuple[Any, ...]:
    return (
        outcome.number,
        _json(outcome.params),
        _json([pair.in_sample for pair in outcome.folds]),
        _json([pair.out_of_sample for pair in outcome.folds]),
        outcome.refused,
        outcome.failed,
    )


def _pairs(in_sample: str, out_of_sample: str) -> list[dict[str, Any]]:
    return [
        {"in_sample": inside, "out_of_sample": outside}
        for inside, outside in zip(msgspec.json.decode(in_sample), msgspec.json.decode(out_of_sample), strict=True)
    ]


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
