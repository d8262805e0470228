"""`python -m trading_core tap`: listen to the bus, now or from a past time, without the NATS CLI."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import re
import sys
import time
from collections.abc import AsyncGenerator
from typing import Any

from trading_core.bus import connection
from trading_core.bus.connection import Bus, is_permission_error
from trading_core.bus.ordered import OrderedPull, Start
from trading_core.config import load
from trading_core.errors import ConfigError
from trading_core.moments import moment
from trading_core.replay.stream import start_at
from trading_core.run_dir import add_run_dir
from trading_core.streams import StreamSpec, streams_of
from trading_core.tap import show

EXAMPLES = """\
examples:
  python -m trading_core tap 'signal.>'                                   what strategies say from now on
  python -m trading_core tap 'market.hyperliquid.BTC.>' --count 20        twenty messages, then the end
  python -m trading_core tap 'exec.fill.>' --all --no-follow --json       every fill there was, for jq
  python -m trading_core tap 'signal.>' --since 1h                        the last hour, then what follows
  python -m trading_core tap 'exec.>' --from 2026-11-20T12:00 --count 50  from a moment of event time on
  python -m trading_core tap 'market.*.ETH.candle_1m' --last              the newest of each subject, then what follows

A subject has tokens between dots; * stands for one of them, > for all that follow. Times are UTC. Nothing is
acknowledged or changed: a tap disturbs nobody.
"""
_SUBJECT = re.compile(r"^[^\s.]+(\.[^\s.]+)*$")
Heard = tuple[str, bytes]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = "Shows messages of the bus as they come, and with --since, --from, --all or --last past ones."
    parser.epilog = EXAMPLES
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("subject", metavar="SUBJECT", help="such as 'signal.>'; quote it for the shell")
    begin = parser.add_mutually_exclusive_group()
    begin.add_argument("--since", metavar="1h", help="what was stored within so long: 90s, 10m, 2h, 1d")
    begin.add_argument("--from", dest="from_", metavar="TIME", help="what happened from this event time on, UTC")
    begin.add_argument("--all", action="store_true", help="everything that the stream still holds")
    begin.add_argument("--last", action="store_true", help="the newest message of each subject")
    parser.add_argument("--count", type=int, metavar="N", help="end after N messages")
    parser.add_argument("--no-follow", action="store_true", help="end when the past has been shown")
    parser.add_argument("--json", action="store_true", help="one JSON object a line: subject and message")
    add_run_dir(parser)


def run(args: argparse.Namespace) -> int:
    """0 when it has shown what was asked for; 130 after Ctrl-C. ConfigError for whatever a person must change."""
    from trading_core.supervise.attach import newest_database

    if not _SUBJECT.match(args.subject):
        raise ConfigError(f"tap {args.subject!r}: no subject. Write tokens between dots, as 'signal.>'.")
    if args.count is not None and args.count < 1:
        raise ConfigError(f"--count must be at least 1, got {args.count}.")
    past = bool(args.since or args.from_ or args.all or args.last)
    if args.no_follow and not past:
        raise ConfigError("--no-follow needs a past to show: add --since, --from, --all or --last.")
    stream = _stream(args.subject) if past else None
    with newest_database(args.run_dir, start=False, nats=True), contextlib.suppress(BrokenPipeError):
        asyncio.run(_tap(load().nats.url, args, stream))
    return 0


def _stream(subject: str) -> StreamSpec:
    """The one that keeps the past of `subject`."""
    found = streams_of(subject)
    if len(found) == 1:
        return found[0]
    if not found:
        raise ConfigError(f"tap {subject}: no stream keeps it, so it has no past. Leave --since and the like away.")
    names = ", ".join(f"{stream.name} ({stream.subjects[0]})" for stream in found)
    raise ConfigError(f"tap {subject}: is in more than one stream: {names}. Name a subject of one of them.")


async def _tap(url: str, args: argparse.Namespace, stream: StreamSpec | None) -> None:
    left = args.count
    bus = await connection.reach(url, name="tap/1")
    try:
        heard = _now(bus, args.subject) if stream is None else _past(bus, stream, args)
        async with contextlib.aclosing(heard) as messages:
            async for subject, data in messages:
                print(show.as_json(subject, data) if args.json else show.line(subject, data), flush=True)
                left = None if left is None else left - 1
                if left == 0:
                    return
    finally:
        await bus.close()


async def _now(bus: Bus, subject: str) -> AsyncGenerator[Heard, None]:
    """Core NATS: what is published while it listens, streams or not."""
    failed: asyncio.Future[Exception] = asyncio.get_running_loop().create_future()

    def on_error(error: Exception) -> None:
        if is_permission_error(error) and not failed.done():
            failed.set_result(error)
        else:
            print(f"trading_core: {error}", file=sys.stderr)

    bus.on_error = on_error
    subscription = await bus.nc.subscribe(subject)
    while True:
        following = asyncio.ensure_future(anext(subscription.messages))
        waited: list[asyncio.Future[Any]] = [following, failed]
        try:
            await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
            if not following.done():
                raise ConfigError(f"tap {subject}: NATS does not let this user listen to it: {failed.result()}")
        finally:
            following.cancel()  # Ctrl-C: nobody will ask what became of it
        message = following.result()
        yield message.subject, message.data


async def _past(bus: Bus, stream: StreamSpec, args: argparse.Namespace) -> AsyncGenerator[Heard, None]:
    from_ms = None if args.from_ is None else moment(args.from_, "--from")
    reader = OrderedPull(bus, stream, () if args.subject == ">" else (args.subject,), await _start(bus, args, from_ms))
    async with contextlib.aclosing(reader.batches()) as batches:
        async for batch in batches:
            for one in batch:
                at_ms = None if from_ms is None else show.event_ms(one.data)
                if from_ms is None or (at_ms is not None and at_ms >= from_ms):
                    yield one.subject, one.data
            if args.no_follow and reader.caught_up:
                return


async def _start(bus: Bus, args: argparse.Namespace, from_ms: int | None) -> Start:
    if from_ms is not None:
        return await start_at(bus, from_ms)
    if args.since is not None:
        try:
            return Start.from_time(time.time_ns() - show.duration_s(args.since) * 10**9)
        except ValueError as error:
            raise ConfigError(f"--since {error}") from error
    return Start("last_per_subject") if args.last else Start.all()
