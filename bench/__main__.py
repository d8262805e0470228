"""`python -m bench`: measures the platform beside the raw limits of this machine."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import signal
import sys
import time
import traceback
from collections.abc import Callable, Coroutine, Iterator, Sequence
from typing import Any, Protocol

import uvloop

from bench import chain, consume, core, end_to_end, grid, http, machine, page, publish, record, replay, report, write
from bench.rows import Row
from bench.servers import Servers, running
from trading_core import logging as trading_logging
from trading_core.errors import TradingError


class OwnSection(Protocol):
    def __call__(self, *, quick: bool) -> Coroutine[Any, Any, list[Row]]: ...


class Section(Protocol):
    def __call__(self, servers: Servers, *, quick: bool) -> Coroutine[Any, Any, list[Row]]: ...


WITH_SERVERS: dict[str, Section] = {
    "publish": publish.measure,
    "write": write.measure,
    "record": record.measure,
    "consume": consume.measure,
    "end_to_end": end_to_end.measure,
    "chain": chain.measure,
    "grid": grid.measure,
    "replay": replay.measure,
}
WITH_OWN_SERVERS: dict[str, OwnSection] = {"http": http.measure, "page": page.measure}
PURE: dict[str, Callable[[bool], list[Row]]] = {"core": core.measure}
SECTIONS = (*WITH_SERVERS, *WITH_OWN_SERVERS, *PURE)
ON_REQUEST = ("http", "page")
"""Needs a past of 90 days, which takes many minutes to make the first time."""


def main(argv: Sequence[str] | None = None) -> int:
    arguments = _parser().parse_args(argv)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # servers and their folder go in either case
    trading_logging.configure("bench", "error")
    chosen = [name for given in arguments.only or () for name in given]
    chosen = chosen or [name for name in SECTIONS if name not in ON_REQUEST]
    facts = machine.describe()
    rows: list[Row] = []
    try:
        failed = _measure(chosen, rows, quick=arguments.quick)
    except KeyboardInterrupt:
        failed = 130
    if rows:
        report.show(rows, facts)
        print(f"appended to {report.append(rows, facts, quick=arguments.quick)}")
    if arguments.write and not failed:
        print(f"written: {report.write(rows, facts, quick=arguments.quick)}")
    return failed


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m bench", description="Throughput and latency beside the raw limits.")
    parser.add_argument(
        "--only", action="append", type=_sections, metavar="NAME",
        help=f"this section only, or several with commas between: {', '.join(SECTIONS)}",
    )  # fmt: skip
    parser.add_argument("--quick", action="store_true", help="a few seconds a section: does it work, nothing more")
    parser.add_argument("--write", action="store_true", help="also replace bench/RESULTS.md")
    return parser


def _sections(text: str) -> list[str]:
    names = text.split(",")
    if unknown := [name for name in names if name not in SECTIONS]:
        raise argparse.ArgumentTypeError(f"there is no section {unknown[0]}. Sections: {', '.join(SECTIONS)}")
    return names


def _measure(chosen: Sequence[str], rows: list[Row], *, quick: bool) -> int:
    """Adds the rows of each section to `rows` once it is done. A section that fails leaves the others: 1 then."""
    failed = 0
    with contextlib.ExitStack() as stack:
        servers: Servers | None = None
        for name in (name for name in SECTIONS if name in chosen):
            try:
                if name in WITH_SERVERS:
                    servers = servers or stack.enter_context(running())
                with _announced(name):
                    rows += _section(name, servers, quick=quick)
            except Exception as error:
                failed = 1
                for each in _leaves(error):
                    print(f"bench: {name}: {str(each) or type(each).__name__}", file=sys.stderr)
                    if not isinstance(each, TradingError | TimeoutError | RuntimeError):
                        traceback.print_exception(each)
    return failed


def _section(name: str, servers: Servers | None, *, quick: bool) -> list[Row]:
    if name in PURE:
        return PURE[name](quick)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:  # uvloop, as the services have it
        if name in WITH_OWN_SERVERS:
            return runner.run(WITH_OWN_SERVERS[name](quick=quick))
        assert servers is not None
        return runner.run(WITH_SERVERS[name](servers, quick=quick))


def _leaves(error: BaseException) -> Iterator[BaseException]:
    """What went wrong, out of the groups in which several tasks failed."""
    if isinstance(error, BaseExceptionGroup):
        for each in error.exceptions:
            yield from _leaves(each)
    else:
        yield error


@contextlib.contextmanager
def _announced(name: str) -> Iterator[None]:
    """Says which section is running and how long it took."""
    began = time.monotonic()
    print(f"» {name} …", end=" ", flush=True)
    yield
    print(f"{time.monotonic() - began:.0f} s", flush=True)


if __name__ == "__main__":
    sys.exit(main())
