"""Worker processes that evaluate sets: each loads the strategy itself and shares the candles through the page cache."""

from __future__ import annotations

import multiprocessing
import os
import signal
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import islice
from multiprocessing import connection
from pathlib import Path

import numpy as np

from trading_core.backtest.history import FundingRow, History
from trading_core.config import Settings
from trading_core.errors import TradingError
from trading_core.market.series import Candles
from trading_core.optimise.evaluate import Evaluator
from trading_core.optimise.figures import Outcome
from trading_core.optimise.space import Space
from trading_core.optimise.walk_forward import Fold
from trading_core.strategy.registry import load_strategy

_AHEAD = 4
"""Sets that wait for each worker: enough to keep it busy, few enough to stop at once."""


@dataclass(frozen=True, slots=True)
class Job:
    """What is evaluated. `folder` holds the strategy; its class cannot travel to another process, its files can."""

    folder: Path
    settings: Settings
    history: History
    space: Space
    folds: tuple[Fold, ...]

    def evaluator(self) -> Evaluator:
        loaded = load_strategy(self.folder, self.settings)
        return Evaluator(loaded, self.settings, self.history, self.space, self.folds)


class Pool:
    """Evaluates sets on `workers` processes; with one, in this process."""

    def __init__(
        self, evaluate: Callable[[int], Outcome] | None, executor: ProcessPoolExecutor | None, workers: int
    ) -> None:
        self._evaluate = evaluate
        self._executor = executor
        self._workers = workers

    def outcomes(self, numbers: Iterable[int]) -> Iterator[Outcome]:
        """The outcome of each set, in the order in which they are done. TradingError when a worker is killed."""
        if self._executor is None:
            assert self._evaluate is not None
            yield from map(self._evaluate, numbers)
            return
        waiting = iter(numbers)
        running: set[Future[Outcome]] = set()
        try:
            while True:
                more = islice(waiting, self._workers * _AHEAD - len(running))
                running |= {self._executor.submit(_evaluate, number) for number in more}
                if not running:
                    return
                done, running = wait(running, return_when=FIRST_COMPLETED)
                for future in done:
                    yield future.result()
        except BrokenProcessPool as error:
            raise TradingError(
                "a worker process was ended from outside, perhaps for want of memory. The same command goes on from "
                "here; --workers 1 needs the least."
            ) from error


@contextmanager
def open_pool(job: Job, workers: int) -> Iterator[Pool]:
    """A pool for `job`. Its processes end with it, and also when this process is killed."""
    if workers == 1:
        yield Pool(job.evaluator(), None, 1)
        return
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="optimise-")))
        _write_columns(folder, job.history.candles)
        shared = _SharedJob(
            job.folder, job.settings, folder, tuple(job.history.candles), job.history.funding, job.history.source,
            job.space, job.folds,
        )  # fmt: skip
        # Spawned, not forked: alike on every system, and no thread or connection of ours is copied.
        executor = ProcessPoolExecutor(
            workers, multiprocessing.get_context("spawn"), initializer=_start, initargs=(shared,)
        )
        try:
            yield Pool(None, executor, workers)
        finally:
            executor.shutdown(cancel_futures=True)


@dataclass(frozen=True, slots=True)
class _SharedJob:
    """A job whose candles lie in files, so that every worker maps the same pages."""

    folder: Path
    settings: Settings
    columns: Path
    assets: tuple[str, ...]
    funding: Mapping[str, Sequence[FundingRow]]
    source: str
    space: Space
    folds: tuple[Fold, ...]

    def evaluator(self) -> Evaluator:
        history = History(
            {asset: _read_columns(self.columns, asset) for asset in self.assets}, self.funding, self.source
        )
        return Job(self.folder, self.settings, history, self.space, self.folds).evaluator()


def _write_columns(folder: Path, candles: Mapping[str, Candles]) -> None:
    for asset, columns in candles.items():
        for name, column in columns._asdict().items():
            np.save(folder / f"{asset}_{name}.npy", column)


def _read_columns(folder: Path, asset: str) -> Candles:
    return Candles(*(np.load(folder / f"{asset}_{name}.npy", mmap_mode="r") for name in Candles._fields))


_evaluator: Evaluator | None = None
"""Of this worker process."""


def _start(job: _SharedJob) -> None:
    global _evaluator
    # Ctrl-C ends a worker without a word; the parent says what there is to say.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _evaluator = job.evaluator()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    connection.wait([parent.sentinel])
    os._exit(1)


def _evaluate(number: int) -> Outcome:
    assert _evaluator is not None
    return _evaluator(number)
