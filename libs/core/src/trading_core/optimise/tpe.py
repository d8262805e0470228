"""Optuna's tree-structured Parzen estimator, with its study in PostgreSQL or in memory."""

from __future__ import annotations

import ssl
import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from sqlalchemy.exc import SQLAlchemyError

from trading_core.db.pool import where
from trading_core.errors import ConfigError, TradingError
from trading_core.optimise.figures import Outcome, score
from trading_core.optimise.space import Space

SCHEMA = "trading_research"
BATCH = 16
"""Sets asked for before any of them is told: the result does not depend on how many workers share them."""
_PLAIN = ("disable", "allow", "prefer")


class Tpe:
    """`trials` tries; impossible and unranked sets count as bad ones, and a set may come twice."""

    def __init__(self, space: Space, trials: int, seed: int, metric: str, name: str, storage: Any = None) -> None:
        self.total = trials
        self._space = space
        self._seed = seed
        self._metric = metric
        self._optuna = optuna = _optuna()
        # Asked first: that a name is taken is told by an error, and not every driver has the right one.
        if storage is not None and name in optuna.study.get_all_study_names(storage):
            self._study = optuna.load_study(study_name=name, storage=storage)
        else:
            self._study = optuna.create_study(storage=storage, study_name=name, direction="maximize")
        trial_state = optuna.trial.TrialState
        # A run that was killed left trials behind that were asked for and not told.
        left = self._study.get_trials(deepcopy=False, states=(trial_state.RUNNING,))
        whole = [trial for trial in left if len(trial.params) == len(space.axes)]
        for trial in left:
            if trial not in whole:
                self._study.tell(trial.number, state=trial_state.FAIL)
        self._asked = {trial.number: self._number(trial.params) for trial in whole}

    def batch(self) -> Iterable[int]:
        with _stored():
            return self._batch()

    def _batch(self) -> list[int]:
        count = len(self._study.get_trials(deepcopy=False))
        # A batch that was cut short is filled up, so that what follows is the same as without the cut.
        while count < self.total and (not self._asked or count % BATCH):
            self._study.sampler = self._sampler(count)
            trial = self._study.ask()
            places = [trial.suggest_int(axis.name, 0, axis.count - 1) for axis in self._space.axes]
            self._asked[trial.number] = self._space.number(places)
            count += 1
        return list(dict.fromkeys(self._asked.values()))

    def tell(self, known: Mapping[int, Outcome]) -> None:
        for trial, number in sorted(self._asked.items()):
            value = score(known[number], self._metric)
            # Pruned: the estimator keeps away from there.
            state = self._optuna.trial.TrialState.PRUNED if value is None else None
            with _stored():
                self._study.tell(trial, value, state=state, skip_if_finished=True)
        self._asked = {}

    def _sampler(self, number: int) -> Any:
        """One sampler for each trial, so that a resumed search draws what an unbroken one would have drawn."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", self._optuna.exceptions.ExperimentalWarning)
            return self._optuna.samplers.TPESampler(
                seed=(self._seed * 1_000_003 + number) % 2**32, multivariate=True, constant_liar=True
            )

    def _number(self, params: Mapping[str, int]) -> int:
        return self._space.number([params[axis.name] for axis in self._space.axes])


def postgres_storage(url: str) -> Any:
    """Optuna's own tables in schema trading_research of `url`. ConfigError when they cannot be reached or made."""
    optuna = _optuna()
    import pg8000.dbapi  # the one sync driver here that is small, pure Python and BSD

    parts = urlsplit(url)
    mode = parse_qs(parts.query).get("sslmode", ["prefer"])[0]

    def connect() -> Any:
        made = pg8000.dbapi.connect(
            user=unquote(parts.username or ""),
            password=unquote(parts.password) if parts.password is not None else None,
            host=parts.hostname or "localhost",
            port=parts.port or 5432,
            database=parts.path.lstrip("/"),
            ssl_context=None if mode in _PLAIN else ssl.create_default_context(),
            timeout=30,
            application_name="optimise",
        )
        cursor = made.cursor()
        cursor.execute(f"SET search_path TO {SCHEMA}")
        made.commit()
        return made

    try:
        # By `creator`, so that the password is in no URL that a library might show.
        return optuna.storages.RDBStorage("postgresql+pg8000://", engine_kwargs={"creator": connect})
    except Exception as error:  # three libraries, each with errors of its own; the search can do without
        said = " ".join(str(error).split())[:200] or type(error).__name__
        raise ConfigError(f"{where(url)}: no Optuna study there: {said}") from error


@contextmanager
def _stored() -> Iterator[None]:
    """A block that writes the study. TradingError when its database goes away meanwhile."""
    try:
        yield
    except (SQLAlchemyError, _optuna().exceptions.StorageInternalError) as error:
        raise TradingError(
            "the database of the Optuna study went away. Start it; the same command goes on from here."
        ) from error


def _optuna() -> Any:
    try:
        import optuna
    except ImportError as error:
        raise ConfigError("--search tpe needs Optuna: install trading-core[research].") from error
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna
