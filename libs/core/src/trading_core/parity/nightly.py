"""The check of each UTC day once it is over: one pass over what is missing, and the loop that starts such passes."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Sequence

import asyncpg
import structlog

from trading_core.config import Settings
from trading_core.db import pool
from trading_core.db.times import utc
from trading_core.model import DAY_MS, MINUTE_MS
from trading_core.parity.check import Checker, every_ledger
from trading_core.parity.results import ORDERS, Result
from trading_core.parity.store import store, unchecked_days

LOOK_EVERY_S = 30.0
NICENESS = 19
log = structlog.get_logger()


def give_way() -> None:
    """This process yields to every other one."""
    os.nice(NICENESS)


async def run_once(settings: Settings) -> list[Result]:
    """Checks and stores every whole day without a report, oldest first, two results a day."""
    db = await pool.reach(settings.database.url, role_name="parity")
    try:
        found: list[Result] = []
        for rules in every_ledger(settings):
            days = await unchecked_days(db, rules.portfolio)
            if days:
                found += await _check_days(db, Checker(db, settings, rules), days)
        return found
    finally:
        await db.close()


async def _check_days(db: asyncpg.Connection, checker: Checker, days: list[int]) -> list[Result]:
    whole = await checker.recorded()
    found: list[Result] = []
    for day_ms in days:
        if whole.last_ms < day_ms + DAY_MS - MINUTE_MS:
            break  # the recorder is still behind: next time
        [*_, part] = await checker.parts(day_ms, day_ms + DAY_MS)
        async for result in checker.check(part, ORDERS, lambda _: None):
            await store(db, result, nightly=True)
            _log(result)
            found.append(result)
    return found


async def run_for_ever(settings: Settings) -> int:
    """Looks for a day that is over and starts a pass in a process of its own, which then has today's code.

    0 when it is told to stop.
    """
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    looking = asyncio.create_task(_look(settings))
    await asyncio.wait({looking, asyncio.create_task(stop.wait())}, return_when=asyncio.FIRST_COMPLETED)
    looking.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await looking
    return 0


async def _look(settings: Settings) -> None:
    # Once: a look every half minute is not to import the strategies again, and they are the broker's as it started.
    ledgers = [rules.portfolio for rules in every_ledger(settings)]
    while True:
        try:
            if await _something_to_do(settings, ledgers):
                await _pass()
        except pool.AWAY as error:
            log.warning("database_lost", error=str(error) or type(error).__name__)
        await asyncio.sleep(LOOK_EVERY_S)


async def _something_to_do(settings: Settings, ledgers: Sequence[str]) -> bool:
    """Asked on a connection of its own: one that stays open would be one more to lose."""
    db = await pool.connect(settings.database.url, role_name="parity")
    try:
        return any([await unchecked_days(db, ledger) for ledger in ledgers])
    finally:
        await db.close()


async def _pass() -> None:
    """One `parity --nightly`; it ends with this task."""
    argv = (sys.executable, "-m", "trading_core", "parity", "--nightly")
    process = await asyncio.create_subprocess_exec(*argv, stdout=asyncio.subprocess.DEVNULL)
    try:
        code = await process.wait()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if code not in (0, 1):  # 1: a day is not identical, which the pass has logged
        log.error("parity_pass_failed", exit_code=code)


def _log(result: Result) -> None:
    details = {
        "order": result.order, "portfolio": result.portfolio, "day": f"{utc(result.first_ms):%Y-%m-%d}",
        "verdict": result.verdict, "compared": sum(result.compared.values()), "differences": result.difference_count,
        "causes": dict(result.causes), "duration_ms": result.duration_ms,
    }  # fmt: skip
    if result.passed:
        log.info("parity_checked", **details)
    else:
        log.error("parity_failed", **details, what_to_do="python -m trading_core parity --list")
