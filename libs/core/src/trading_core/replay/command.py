"""`python -m trading_core replay`: publish a past span again, for any consumer and for the NATS CLI."""

from __future__ import annotations

import argparse
import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import TypeVar

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text

from trading_core.backtest.figures import minute
from trading_core.bus import connection
from trading_core.bus.connection import Bus
from trading_core.config import Settings, load
from trading_core.errors import ConfigError
from trading_core.moments import moment
from trading_core.replay import stream
from trading_core.replay.publish import Progress as Report
from trading_core.replay.publish import clear, publish
from trading_core.replay.span import Original, speed_of
from trading_core.run_dir import add_run_dir
from trading_core.streams import REPLAY, REPLAYED, replay_prefix
from trading_core.tasks import unless

EXAMPLES = """\
examples:
  python -m trading_core replay --from 2026-11-20T12:00 --to 2026-11-20T13:00               an hour in six minutes
  python -m trading_core replay --from 2026-11-20 --to 2026-11-21 --speed max               as fast as it goes
  python -m trading_core replay --from 2026-11-20T12:00 --to 2026-11-20T13:00 --speed 1x \\
      --prefix replay.monday. --source postgres                                beside another one, from the tables

Look at it with  nats sub 'replay.>'  or, afterwards,  nats sub 'replay.signal.>' --all --stream REPLAY
Times are UTC and event time; --to is excluded. Every message goes to its own subject behind the prefix, with its own
bytes, in its own order. Live subjects are never published to. What an earlier replay left under the prefix goes first.
"""

T = TypeVar("T")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = "Publish the market data, signals and executions of a past span again."
    parser.epilog = EXAMPLES
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--from", dest="from_", required=True, metavar="TIME", help="first moment, UTC")
    parser.add_argument("--to", required=True, metavar="TIME", help="end, UTC, excluded")
    parser.add_argument("--speed", default="10x", metavar="10x|max", help="times as fast as it happened (default 10x)")
    parser.add_argument("--prefix", default="replay.", metavar="replay.", help="goes before each subject")
    parser.add_argument(
        "--source", choices=("jetstream", "postgres"), default="jetstream",
        help="the streams, in their own order (default), or the recorder's tables, in order of application",
    )  # fmt: skip
    add_run_dir(parser)


def run(args: argparse.Namespace) -> int:
    """Exit code 0. ConfigError for whatever a person must change."""
    from_ms, to_ms = moment(args.from_, "--from"), moment(args.to, "--to")
    if from_ms >= to_ms:
        raise ConfigError(f"--from {args.from_} is not before --to {args.to}: the span is empty. Swap or move them.")
    speed, prefix = _checked(speed_of, "--speed", args.speed), _checked(replay_prefix, "--prefix", args.prefix)
    from trading_core.supervise.attach import newest_database

    with newest_database(args.run_dir, start=False, nats=True), _progress(from_ms, to_ms) as progress:
        began = time.monotonic()
        sent = asyncio.run(_replay(load(), args, (from_ms, to_ms), prefix, speed, progress))
    seconds = time.monotonic() - began
    counts = ", ".join(f"{count:,} {kind}" for kind, count in sorted(sent.items()))
    print(
        f"{sent.total():,} messages under {prefix} in {seconds:.1f} s: {counts}. They stay in {REPLAY.name} for a day."
    )
    return 0


async def _replay(
    settings: Settings,
    args: argparse.Namespace,
    span: tuple[int, int],
    prefix: str,
    speed: float | None,
    progress: Report,
) -> Counter[str]:
    url = settings.nats.url
    bus = await connection.reach(url, name="replay/1")
    try:
        await stream.check(bus, url, REPLAY, *(REPLAYED if args.source == "jetstream" else ()))
        sending = _sent(settings, args, bus, span, prefix, speed, progress)
        sent, reach_ms = await unless(sending, connection.gone(bus, url))
    finally:
        await bus.close()
    since = "nothing" if reach_ms is None else f"what happened since {minute(reach_ms)} UTC"
    if not sent:
        raise ConfigError(
            f"nothing was recorded from {args.from_} to {args.to}; {args.source} has {since}. Move the span."
        )
    if reach_ms is not None and reach_ms > span[0]:
        Console(stderr=True).print(f"{args.source} reaches back to {minute(reach_ms)} UTC: market data begins there.")
    return sent


async def _sent(
    settings: Settings,
    args: argparse.Namespace,
    bus: Bus,
    span: tuple[int, int],
    prefix: str,
    speed: float | None,
    progress: Report,
) -> tuple[Counter[str], int | None]:
    """Messages of each kind that went out, and since when the source has market data."""
    async with _originals(settings, args.source, bus, span) as (originals, reach_ms):
        await clear(bus, prefix)
        return await publish(bus, originals, prefix, speed, progress), reach_ms


@asynccontextmanager
async def _originals(
    settings: Settings, source: str, bus: Bus, span: tuple[int, int]
) -> AsyncIterator[tuple[AsyncIterator[Original], int | None]]:
    """The messages of the span, and since when the source has market data."""
    if source == "jetstream":
        yield await stream.originals(bus, *span), await stream.reach(bus)
        return
    from trading_core.backtest.postgres import reading
    from trading_core.replay import tables

    async with reading(settings.database.url) as db:
        yield tables.originals(db, *span), await tables.reach(db)


def _checked(read: Callable[[str], T], option: str, text: str) -> T:
    try:
        return read(text)
    except ValueError as error:
        raise ConfigError(f"{option} {error}") from error


class _Rate(ProgressColumn):
    def render(self, task: Task) -> Text:
        return Text(f"{task.fields['sent']:,} messages")


@contextmanager
def _progress(from_ms: int, to_ms: int) -> Iterator[Report]:
    """A bar over event time, on stderr."""
    columns = (
        TextColumn("replay"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        _Rate(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("replay", total=to_ms - from_ms, sent=0)
        yield lambda at_ms, sent: bar.update(task, completed=at_ms - from_ms, sent=sent)
