"""`python -m trading_core`: the commands of the platform."""

from __future__ import annotations

import argparse
import asyncio
import importlib
import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from trading_core import logging as trading_logging
from trading_core.config import DatabaseConfig, load
from trading_core.errors import ConfigError, TradingError

EXAMPLES = """\
examples:
  python -m trading_core up --demo                      recorded data, 300 times faster, page on port 8080
  python -m trading_core up --live --port 8090          the real venues
  python -m trading_core parity                         replays what a run recorded and compares every byte
  python -m trading_core audit                          recomputes every number of the ledger
  python -m trading_core explain --last 1               the newest position, from the tick to its P&L
  python -m trading_core doctor                         is everything as it must be?
  python -m trading_core tap 'signal.>'                 what strategies say, as they say it
  python -m trading_core backup --to DIR                and `restore --from DIR`
  python -m trading_core control --help                 pause, resume, close, change limits
  python -m trading_core backtest --help                strategies over recorded candles
  python -m trading_core optimise --help                its parameters, searched
  python -m trading_core replay --help                  a past span once more on the bus
  python -m trading_core rebuild-stream EXEC --check    does EXEC lack what the ledger has?
  python -m trading_core import --help                  your own candles for backtests
  python -m trading_core archive --help                 recorded history as Parquet files, and back
  python -m trading_core seed --page                    a made-up past of 90 days, and its dashboard
  python -m trading_core new-strategy --name BuyDips    a folder under strategies/ to start from
  python -m trading_core check-strategy BuyDips         does it look ahead?
  python -m trading_core secrets --dir ./secrets        passwords and tokens of a new installation
  python -m trading_core migrate                        brings database.url to the newest schema
  python -m trading_core provision                      the streams of the platform here, or on nats.url
"""


class Command(Protocol):
    """What a command's module offers."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None: ...
    def run(self, arguments: argparse.Namespace) -> int: ...


# Imported when asked for: `migrate` in a small image needs neither polars nor the servers.
MODULES = {
    "up": ("trading_core.supervise.command", "run the whole platform on this machine"),
    "backtest": ("trading_core.backtest.command", "run strategies over recorded history"),
    "optimise": ("trading_core.optimise.command", "search the parameters of a strategy, and say what luck has done"),
    "import": ("trading_core.ingest.command", "bring candles and funding rates from files into the database"),
    "archive": ("trading_core.archive.command", "recorded history into Parquet files, back, and out of the database"),
    "replay": ("trading_core.replay.command", "publish a past span again, for any consumer"),
    "tap": ("trading_core.tap.command", "listen to the bus, now or from a past time"),
    "doctor": ("trading_core.doctor.command", "check a running installation, and say what to do"),
    "backup": ("trading_core.backup.command", "the database, the streams and the archive into one folder"),
    "restore": ("trading_core.backup.restoring", "a backup into an empty installation"),
    "parity": ("trading_core.parity.command", "replay a recorded run and compare it with what happened"),
    "audit": ("trading_core.audit.command", "recompute every number of the ledger from the recorded events"),
    "explain": ("trading_core.explain.command", "why a position was opened, what filled it, where its P&L comes from"),
    "rebuild-stream": (
        "trading_core.rebuild.command",
        "make EXEC anew from the ledger after NATS lost some",
    ),
    "provision": ("trading_core.bus.command", "make or update the streams and consumers on nats.url"),
    "control": ("trading_core.control.command", "pause, resume, close, or change limits of the running broker"),
    "exporter": ("trading_core.exporter.command", "what NATS, PostgreSQL and the disks do, for Prometheus"),
    "secrets": ("trading_core.access.command", "generate the passwords and tokens that are missing"),
    "check-strategy": ("trading_core.check.command", "look-ahead, purity, warm-up and speed of a strategy"),
    "seed": ("trading_core.seed.command", "fill a database with a made-up past, to look at and to measure"),
    "new-strategy": ("trading_core.strategy.new", "write a new strategy to start from"),
}
ATTACHED = frozenset({"parity", "explain", "audit"})
"""They look at what a run recorded, whether it runs now or not."""
HEALTH_AGE_S = 20


def _attached(run: Callable[[argparse.Namespace], int]) -> Callable[[argparse.Namespace], int]:
    """`run` on the database of the newest run in --run-dir, unless database.url says otherwise."""

    def attached(arguments: argparse.Namespace) -> int:
        if load().database != DatabaseConfig():
            return run(arguments)  # also where, as in the containers, the wheels of the servers are not installed
        from trading_core.supervise.attach import newest_database

        with newest_database(arguments.run_dir, start=True):
            return run(arguments)

    return attached


def migrate(_arguments: argparse.Namespace) -> int:
    from trading_core.db.migrate import migrate as apply
    from trading_core.db.partitions import ensure_partitions
    from trading_core.db.pool import connect, where
    from trading_core.db.roles import set_passwords

    url = load().database.url

    async def reach() -> None:
        await (await connect(url, role_name="migrate")).close()

    asyncio.run(reach())
    apply(url)
    passwords = _role_passwords()

    async def finish() -> None:
        await set_passwords(url, passwords)
        await ensure_partitions(url)

    asyncio.run(finish())
    print(f"{where(url)} has the newest schema" + (f"; logins set: {', '.join(passwords)}" if passwords else ""))
    return 0


def _role_passwords() -> dict[str, str]:
    """From TRADING_ROLE_PASSWORD_<ROLE>, for example TRADING_ROLE_PASSWORD_BROKER, or the file …_BROKER_FILE."""
    from trading_core.db.roles import LOGIN_ROLES
    from trading_core.secret_files import read_secret

    given = {}
    for role in LOGIN_ROLES:
        variable = f"TRADING_ROLE_PASSWORD_{role.upper()}"
        if file := os.environ.get(f"{variable}_FILE"):
            given[role] = read_secret(Path(file), f"{variable}_FILE")
        elif password := os.environ.get(variable):
            given[role] = password
    return given


def probe(_arguments: argparse.Namespace) -> int:
    """For container health checks: 0 when the service's heartbeat is recent."""
    from trading_core.runtime import PROBE_FILE_VARIABLE

    file = Path(os.environ.get(PROBE_FILE_VARIABLE, ""))
    if not file.is_file():
        print("no heartbeat yet")
        return 1
    age_s = time.time() - file.stat().st_mtime
    print(f"{file.read_text()}, {age_s:.0f} s ago")
    return 0 if age_s <= HEALTH_AGE_S else 1


FUNCTIONS: dict[str, tuple[Callable[[argparse.Namespace], int], str]] = {
    "migrate": (migrate, "bring the database of database.url to the newest schema"),
    "probe": (probe, "is the service of this container alive?"),
}


def main(argv: Sequence[str] | None = None) -> int:
    words = list(sys.argv[1:] if argv is None else argv)
    name = words[0] if words and words[0] in MODULES else None
    parser = argparse.ArgumentParser(
        "python -m trading_core", description="Event-time paper trading.", epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    try:
        for command, (path, summary) in MODULES.items():
            sub = commands.add_parser(command, help=summary, description=summary)
            if command == name:
                module: Command = importlib.import_module(path)
                module.add_arguments(sub)
                sub.set_defaults(run=_attached(module.run) if command in ATTACHED else module.run)
        for command, (function, summary) in FUNCTIONS.items():
            commands.add_parser(command, help=summary, description=summary).set_defaults(run=function)
        arguments = parser.parse_args(words)
        trading_logging.configure(name or "trading-core", "warning")
        return int(arguments.run(arguments))
    except TradingError as error:
        print(f"trading_core: {error}", file=sys.stderr)
        return 2 if isinstance(error, ConfigError) else 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
