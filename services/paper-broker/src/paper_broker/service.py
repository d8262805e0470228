"""Wiring: one broker per ledger of the portfolios, one reader of SIGNALS and of people's requests for all of them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

from paper_broker.broker import Broker
from paper_broker.control import Control
from paper_broker.ledger import Ledger, Replaced
from paper_broker.signals import SignalReader
from trading_core.broker.portfolios import portfolios
from trading_core.broker.rules import DEFAULT_SZ_DECIMALS, RuleBook
from trading_core.bus.chain import ChainPublisher
from trading_core.db import pool
from trading_core.faultpoints import faultpoint
from trading_core.runtime import Runtime
from trading_core.strategy.registry import LoadedStrategy, enabled_strategies
from trading_core.streams import EXEC
from trading_core.tasks import leaves, until_one_fails

LOCK_RETRY_S = 1.0
CONNECTIONS = 3
"""Of each ledger, besides the one that holds its lock."""


async def run(runtime: Runtime) -> None:
    """Trade until `runtime.stop` is set. Without Postgres: forget everything, wait, go on from the checkpoints."""
    settings = runtime.settings
    enabled = enabled_strategies(settings)
    found = portfolios(settings, {s.name: s.rules for s in enabled}, DEFAULT_SZ_DECIMALS)
    rules = [ledger for portfolio in found for ledger in portfolio.ledgers]
    wait_s = pool.FIRST_WAIT_S
    while not runtime.stop.is_set():
        began_s = time.monotonic()
        try:
            await runtime.until_stop(_trade(runtime, enabled, rules))
        except* pool.AWAY as group:
            runtime.health.status = "degraded"
            runtime.log.warning("database_lost", error=str(next(leaves(group))))
            # A server that answers and can store nothing would be asked for everything five times a second.
            lasted = time.monotonic() - began_s > pool.LONGEST_WAIT_S
            wait_s = pool.FIRST_WAIT_S if lasted else min(wait_s * 2, pool.LONGEST_WAIT_S)
            await runtime.until_stop(asyncio.sleep(wait_s))
        except* Replaced as group:
            runtime.log.warning("broker_replaced", error=str(group.exceptions[0]))


async def _trade(runtime: Runtime, enabled: list[LoadedStrategy], rules: Sequence[RuleBook]) -> None:
    """One life of a broker: connected, the one writer of every ledger, until something of that is lost."""
    url = runtime.settings.database.url
    connections = [
        await pool.connect(url, role_name="paper-broker", answer_s=pool.ANSWER_S, planned_once=True) for _ in rules
    ]
    try:
        ledgers = [Ledger(connection, own.portfolio) for connection, own in zip(connections, rules, strict=True)]
        await _become_the_writer(runtime, ledgers)
        for ledger, own in zip(ledgers, rules, strict=True):
            await ledger.open_portfolio(own)
        faultpoint("broker.after_takeover")
        await ledgers[0].list_strategies(enabled)
        database = await pool.connect_pool(url, role_name="paper-broker", max=CONNECTIONS * len(rules))
        try:
            brokers: list[Broker] = []
            chain = ChainPublisher(runtime.bus, EXEC)
            brokers += [
                Broker(runtime, ledger, chain, database, enabled, own, lambda: _show(runtime, brokers))
                for ledger, own in zip(ledgers, rules, strict=True)
            ]
            for broker in brokers:
                await broker.restore()
            signals, control = SignalReader(runtime.bus, database, brokers), Control(runtime.bus, brokers)
            await until_one_fails(signals.run(), control.listen(), *(broker.run() for broker in brokers))
        finally:
            database.terminate()
    finally:
        for connection in connections:
            connection.terminate()


async def _become_the_writer(runtime: Runtime, ledgers: Sequence[Ledger]) -> None:
    """Of every ledger, each in the same order: whoever has the first one gets all."""
    for number, ledger in enumerate(ledgers):
        while not await ledger.lock():
            runtime.health.status = "standby"
            await asyncio.sleep(LOCK_RETRY_S)
            for held in ledgers[:number]:
                await held.ping()
    runtime.health.status = "ok"


def _show(runtime: Runtime, brokers: Sequence[Broker]) -> None:
    """The next heartbeat: how far all ledgers are, and what they hold."""
    runtime.health.event_time_ms = min(broker.passed_ms for broker in brokers)
    runtime.health.detail = {"open_positions": sum(broker.open_positions for broker in brokers)}
