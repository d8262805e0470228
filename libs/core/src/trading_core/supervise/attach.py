"""For commands that look at an embedded platform's data, whether it runs now or not."""

from __future__ import annotations

import contextlib
import os
import shlex
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from trading_core.config import DatabaseConfig, NatsConfig, load
from trading_core.db.roles import url_for
from trading_core.embedded import launch
from trading_core.embedded.nats import NatsServer
from trading_core.embedded.postgres import PostgresServer
from trading_core.errors import ConfigError
from trading_core.supervise import pids
from trading_core.supervise.folder import DATABASE, RunFolder

_ARCHIVE_DIR = "TRADING_ARCHIVE__DIR"
_DATABASE_URL = "TRADING_DATABASE__URL"
_NATS_URL = "TRADING_NATS__URL"


def newest(base: Path) -> RunFolder | None:
    """The run folder that was used last, or None when there is none with data."""
    folders = [RunFolder(base, mode) for mode in ("demo", "live")]
    used = [folder for folder in folders if (folder.path / "secrets").exists()]
    return max(used, key=lambda folder: (folder.path / "lock").stat().st_mtime, default=None)


@contextlib.contextmanager
def attach(folder: RunFolder, *, nats: bool = False) -> Iterator[dict[str, str]]:
    """Environment variables that lead to the data of `folder`.

    Starts its PostgreSQL for the time if need be; with `nats` its NATS too, with all that its streams still hold.
    """
    try:
        lock = folder.lock()
    except ConfigError:
        print(f"using the platform that runs in {folder.path}", file=sys.stderr)
        yield running(folder)
        return
    with lock:
        print(f"using the data in {folder.path}", file=sys.stderr)
        pids.end_leftovers(folder.pids, lambda line: print(line, file=sys.stderr))
        secrets = folder.secrets()
        postgres = PostgresServer(folder.path / "postgres", launch.free_port(), secrets["postgres"])
        bus = folder.nats_server(launch.free_port(), launch.free_port())
        with contextlib.ExitStack() as servers:
            servers.enter_context(_serving(folder, "postgres", postgres))
            variables = {_DATABASE_URL: url_for(postgres.url(DATABASE), "research", secrets["research"])}
            if nats:
                servers.enter_context(_serving(folder, "nats", bus))
                variables[_NATS_URL] = folder.nats_url(bus, "operator")
            yield variables


@contextlib.contextmanager
def _serving(folder: RunFolder, name: str, server: PostgresServer | NatsServer) -> Iterator[None]:
    plan = server.prepare()
    process = launch.start(plan, folder.log(name))
    pids.remember(folder.pids, name, process.pid, plan.stop_signal)
    try:
        launch.wait_ready(process, server.ready, plan, folder.log(name))
        yield
    finally:
        launch.stop(process, plan.stop_signal)
        pids.forget(folder.pids, name)


@contextlib.contextmanager
def newest_database(base: Path, *, start: bool, role: str = "research", nats: bool = False) -> Iterator[None]:
    """`database.url` and `archive.dir` lead to the newest run under `base`, unless a person set the former.

    `role`: whose rights the login has. `start`: start its PostgreSQL for the time when the platform does not run;
    else leave `database.url` as it is. `nats`: the same for `nats.url`.
    """
    folder, settings = newest(base), load()
    wanted = [_DATABASE_URL] if settings.database == DatabaseConfig() else []
    wanted += [_NATS_URL] if nats and settings.nats == NatsConfig() else []
    if folder is None or not wanted:
        yield
        return
    archive = {} if settings.archive.dir or _DATABASE_URL not in wanted else {_ARCHIVE_DIR: str(folder.archive)}
    if not (start or folder.environment.exists()):
        with environment(archive):
            yield
        return
    with attach(folder, nats=nats) as variables:
        url, password = variables[_DATABASE_URL], folder.secrets()[role]
        variables = {**variables, _DATABASE_URL: url_for(url, role, password)}
        with environment({**archive, **{name: variables[name] for name in wanted}}):
            yield


@contextlib.contextmanager
def newest_bus(base: Path, *, user: str) -> Iterator[None]:
    """`nats.url` leads to the newest run under `base` as that user, while it runs; else it is left as it is."""
    folder = newest(base)
    if folder is None or not folder.environment.exists():
        yield
        return
    with environment({_NATS_URL: folder.nats_login(running(folder)[_NATS_URL], user)}):
        yield


@contextlib.contextmanager
def environment(variables: Mapping[str, str]) -> Iterator[None]:
    """The variables are set for the time, and as they were afterwards."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})


def running(folder: RunFolder) -> dict[str, str]:
    """What a running platform left in its `env` file. ConfigError while it is still starting."""
    if not folder.environment.exists():
        raise ConfigError(f"The platform in {folder.path} is still starting or stopping. Try again in a moment.")
    words = shlex.split(folder.environment.read_text())
    return dict(word.split("=", 1) for word in words if "=" in word)
