"""`python -m trading_core optimise`: arguments, progress, and where the result goes."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text

from trading_core.backtest import postgres as recorded
from trading_core.backtest.figures import minute
from trading_core.errors import ConfigError, TradingError
from trading_core.moments import moment
from trading_core.optimise import plot, source
from trading_core.optimise.arguments import add_arguments, picture_of, trials_of
from trading_core.optimise.figures import Outcome
from trading_core.optimise.heat_map import heat_map
from trading_core.optimise.journal import Journal, Memory, Store
from trading_core.optimise.names import resolve
from trading_core.optimise.pool import Job, open_pool
from trading_core.optimise.postgres import PostgresStore
from trading_core.optimise.result import result
from trading_core.optimise.run import Progress as Report
from trading_core.optimise.run import run_search
from trading_core.optimise.search import Grid, Random, Search
from trading_core.optimise.show import print_result
from trading_core.optimise.space import Axis, Space, parse_space
from trading_core.optimise.study import Study, describe
from trading_core.optimise.tpe import Tpe, postgres_storage
from trading_core.optimise.verdict import judge, ranked
from trading_core.optimise.walk_forward import folds
from trading_core.strategy.registry import LoadedStrategy

__all__ = ["add_arguments", "run"]
KEPT = "optimise"
"""Folder below --run-dir where outcomes go when there is no database."""


def run(args: argparse.Namespace) -> int:
    """Exit code 0, 2 when an argument, a setting or the data must change, 1 when every set made the strategy fail."""
    console = Console(stderr=True, soft_wrap=True, highlight=False)
    try:
        with _database(args):
            return _run(args, console)
    except TradingError as error:
        console.print(f"optimise: {error}", markup=False)
        return 2 if isinstance(error, ConfigError) else 1


def _database(args: argparse.Namespace) -> AbstractContextManager[None]:
    """Leads `database.url` to the platform of this folder; its server is started only if the history lies there."""
    runs = args.run_dir
    if not runs.is_dir() or (args.no_save and args.source != recorded.SOURCE):
        return nullcontext()
    from trading_core.supervise.attach import newest_database

    return newest_database(runs, start=args.source == recorded.SOURCE)


def _run(args: argparse.Namespace, console: Console) -> int:
    space = parse_space([text.strip() for text in args.param])
    trials = trials_of(args, space)
    settings, loaded, space = resolve(args.strategy, space)
    picture = picture_of(args, space)
    past = source.read(
        args.source, settings.database.url, _assets(args.assets, loaded), _bound(args.from_, "--from"),
        _bound(args.to, "--to"), loaded.instance.history,
    )  # fmt: skip
    parts = folds(past.from_ms, past.to_ms, args.folds, args.window)
    job = Job(Path(settings.runner.strategies_dir) / loaded.name, settings, past.history, space, parts)
    study = describe(
        loaded, settings, past.history, space, parts,
        search=args.search, trials=trials, seed=args.seed, metric=args.metric,
    )  # fmt: skip
    console.print(
        f"{loaded.class_name} on {', '.join(study.assets)} from {study.source}, {minute(past.from_ms)} to "
        f"{minute(past.to_ms)} UTC: {_planned(args.search, trials, space)}",
        markup=False,
    )
    with closing(_store(args, settings.database.url, study, console)) as store:
        outcomes = _search(args, job, study, store, settings.database.url, console)
        judgement = judge(outcomes, args.metric)
        best = next((outcome.number for outcome in ranked(outcomes, args.metric)), None)
        saved = store.finish(judgement, best if judgement is not None else None)
    if all(outcome.refused for outcome in outcomes):
        raise ConfigError(f"none of the sets is possible: {outcomes[0].refused}")
    found = result(study, outcomes, judgement)
    _write(args, found, space, outcomes, picture)
    facts = [] if found["counts"]["traded"] else _facts(job, loaded, outcomes)
    print_result(found, Console(highlight=False), facts)
    for file in (args.json, args.plot):
        if file is not None:
            console.print(f"Written: {file}", style="dim", markup=False)
    if saved is not None:
        console.print(saved, style="dim", markup=False)
    return 1 if outcomes and all(outcome.failed for outcome in outcomes) else 0


def _bound(text: str | None, option: str) -> int | None:
    return None if text is None else moment(text, option)


def _assets(given: str | None, loaded: LoadedStrategy) -> list[str]:
    wanted = {name.strip() for name in given.split(",")} if given else set(loaded.assets)
    for asset in sorted(wanted):
        if asset not in loaded.assets:
            raise ConfigError(
                f"--assets {asset}: {loaded.class_name} does not look at it. It looks at: {', '.join(loaded.assets)}."
            )
    return sorted(wanted)


def _planned(search: str, trials: int, space: Space) -> str:
    axes = " x ".join(str(axis.count) for axis in space.axes)
    if search == "grid":
        return f"all {trials:,} sets ({axes})."
    return f"{trials:,} tries by {search} in {space.size:,} sets ({axes})."


def _store(args: argparse.Namespace, url: str, study: Study, console: Console) -> Store:
    """The database, else a file, else nothing: a search is worth running also without a database."""
    if args.no_save:
        return Memory()
    try:
        return PostgresStore(url, study)
    except ConfigError as error:
        journal = Journal(args.run_dir / KEPT, study)
        console.print(f"No database: {error}; sets are kept in {journal.place} (--no-save: nowhere).", markup=False)
        return journal


def _search(
    args: argparse.Namespace, job: Job, study: Study, store: Store, url: str, console: Console
) -> list[Outcome]:
    """All outcomes, those of an earlier run among them. On Ctrl-C it says how to go on."""
    earlier = store.load()
    if earlier:
        console.print(f"resuming: {min(len(earlier), study.trials):,} of {study.trials:,} done", markup=False)
    done = [len(earlier)]
    workers = min(args.workers or _processors(), study.trials)
    try:
        with open_pool(job, workers) as pool, _progress(console, len(earlier), study.trials) as report:
            search = _order(args, job.space, study, store, url, console)

            def count(finished: int, total: int) -> None:
                done[0] = finished
                report(finished, total)

            return run_search(search, pool, store, earlier, count)
    except KeyboardInterrupt:
        kept = "nothing is kept" if store.place is None else f"kept in {store.place}: the same command goes on"
        console.print(f"stopped: {done[0]:,} of {study.trials:,} sets are done, {kept}.", markup=False)
        raise


def _order(args: argparse.Namespace, space: Space, study: Study, store: Store, url: str, console: Console) -> Search:
    match study.search:
        case "grid":
            return Grid(space)
        case "random":
            return Random(space, study.trials, study.seed)
        case "tpe":
            storage = None
            if isinstance(store, PostgresStore):
                try:
                    storage = postgres_storage(url)
                except ConfigError as error:
                    console.print(f"The Optuna study is kept in memory: {error}", markup=False)
            return Tpe(space, study.trials, study.seed, study.metric, f"{study.strategy}-{study.key}", storage)


def _processors() -> int:
    """Those that this process may use, which a container may limit."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _write(
    args: argparse.Namespace,
    found: Mapping[str, Any],
    space: Space,
    outcomes: Sequence[Outcome],
    picture: tuple[Axis, Axis | None] | None,
) -> None:
    """The files asked for."""
    try:
        if args.json is not None:
            args.json.write_bytes(msgspec.json.encode(found))
        if picture is not None:
            study, judgement = found["study"], found["judgement"]
            heading = (
                f"{study['class_name']} on {', '.join(study['assets'])}, {minute(study['from_ms'])} to "
                f"{minute(study['to_ms'])} UTC"
            )
            heading += f"\n{judgement['sentence']} Verdict: {judgement['verdict']}" if judgement else ""
            plot.write_heat_map(heat_map(space, outcomes, args.metric, *picture), args.metric, heading, args.plot)
    except OSError as error:
        raise ConfigError(f"{error.filename}: cannot be written: {error.strerror}. Name another file.") from error


def _facts(job: Job, loaded: LoadedStrategy, outcomes: Sequence[Outcome]) -> list[str]:
    """What may explain that nothing traded; for strategies on funding also how large funding became."""
    ran = [outcome.number for outcome in outcomes if outcome.folds]
    facts = job.evaluator().why_idle(ran[0]) if ran else []
    if "funding" not in loaded.name:
        return facts
    from_ms, to_ms = job.folds[0].from_ms, job.folds[-1].to_ms
    rates = [
        (abs(row.rate), asset, row.stamp_ms)
        for asset, rows in job.history.funding.items()
        for row in rows
        if from_ms <= row.stamp_ms < to_ms
    ]
    if not rates:
        return [*facts, "There is no settled funding rate in the span."]
    rate, asset, stamp_ms = max(rates)
    per_8h = float(rate * 8)
    return [
        *facts,
        f"The largest funding rate of the span, either sign, is {per_8h:.6f} per 8 h ({per_8h:.4%}), {asset} at "
        f"{minute(stamp_ms)} UTC; a threshold above it is never reached.",
    ]


class _Rate(ProgressColumn):
    def render(self, task: Task) -> Text:
        return Text(f"{task.speed:,.2f} sets/s" if task.speed else "")


@contextmanager
def _progress(console: Console, done: int, total: int) -> Iterator[Report]:
    """A bar on a terminal; elsewhere nothing."""
    columns = (
        TextColumn("optimise"), BarColumn(), TextColumn("{task.completed:,.0f} of {task.total:,.0f} sets"), _Rate(),
        TimeRemainingColumn(),
    )  # fmt: skip
    # A rate over the last minutes: sets are slow, and the first come late.
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal, speed_estimate_period=300
    ) as bar:
        task = bar.add_task("optimise", total=total, completed=min(done, total))
        yield lambda finished, all_of: bar.update(task, completed=finished, total=all_of)
