"""Section `http`: every GET of the API over 90 days of a made-up past, and a page of candles beside plain FastAPI."""

from __future__ import annotations

import asyncio
import itertools
import json
import random
import signal
import sys
import urllib.request
from collections.abc import Mapping, Sequence
from typing import Any

from bench.http_load import Asked, ask
from bench.rows import Row, Series, latency, quantile, rates
from bench.seeded import Page, page
from bench.servers import HERE
from trading_core.embedded import launch
from trading_core.testing import eventually

CLIENTS, CANDLE_CLIENTS = 20, 16
ADDRESSES = 20
"""So many different addresses of a route at most, asked in turn."""
GET_MS, CURVE_MS = 100.0, 200.0
BOUND = "bound"
STREAMED = "/api/trades.csv"
CANDLES = "/api/candles?asset=BTC&limit=100"
BARE = "FastAPI with a pydantic response model"


async def measure(*, quick: bool) -> list[Row]:
    with page(quick=quick) as shown:
        addresses = _addresses(shown.port)
        for of_route in addresses.values():
            await ask(shown.port, of_route, clients=1, total=len(of_route))
        found = [_of_route(route, await _twenty(shown.port, of, quick=quick)) for route, of in addresses.items()]
        return [*found, *await _candles(shown, quick=quick), *await _long_answers(shown.port, quick=quick)]


async def _twenty(port: int, paths: Sequence[str], *, quick: bool) -> Asked:
    return await ask(port, paths, clients=CLIENTS, total=200 if quick else 1_000)


def _of_route(route: str, asked: Asked) -> Row:
    note = f"{CLIENTS} clients without a pause, {len(asked.latencies)} requests, {asked.per_second:,.0f} a second"
    return Row("http", f"GET {route}, p95", "ms", latency(asked.latencies, 0.95), BOUND, Series((GET_MS,)), note)


async def _candles(shown: Page, *, quick: bool) -> list[Row]:
    """Runs take turns, so that both sides see the same machine."""
    port, runs, total = launch.free_port(), 2 if quick else 5, 500 if quick else 3_000
    argv = (sys.executable, "-m", "bench.bare_http", str(port))
    plan = launch.Launch(
        "bare_http", argv, signal.SIGTERM, environment={"TRADING_DATABASE__URL": shown.database_url}, cwd=HERE.parent
    )
    process = launch.start(plan, HERE / "out" / "bare_http.log")
    # Each `to` is another page of a hundred candles: no answer is told twice.
    others = [f"{CANDLES}&to={_newest(shown.port) - 60_000 * number}" for number in range(total)]
    sides: dict[str, list[Asked]] = {"equal": [], "different": [], "bare": []}
    try:
        await eventually(lambda: launch.answers(port))
        for run in range(runs + 1):
            asked = {
                "equal": await ask(shown.port, [CANDLES], clients=CANDLE_CLIENTS, total=total),
                "different": await ask(shown.port, others, clients=CANDLE_CLIENTS, total=total),
                "bare": await ask(port, ["/candles"], clients=CANDLE_CLIENTS, total=total),
            }
            for name, each in asked.items():
                sides[name] += [each] if run else []
            await asyncio.sleep(1.1)  # what was told may not be told again in the next run
    finally:
        launch.stop(process, signal.SIGTERM)
    note = f"100 candles a page, {CANDLE_CLIENTS} clients, {total} requests a run"
    return [
        row
        for side, name in (("equal", "the same page for all"), ("different", "each page asked once"))
        for row in (
            Row("http", f"GET /api/candles, {name}", "req/s", rates([each.per_second for each in sides[side]]), BARE,
                rates([each.per_second for each in sides["bare"]]), note),
            Row("http", f"GET /api/candles, {name}, p99", "ms", _p99(sides[side]), BARE, _p99(sides["bare"]), note),
        )
    ]  # fmt: skip


def _p99(runs: Sequence[Asked]) -> Series:
    return Series(tuple(quantile(each.latencies, 0.99) for each in runs))


async def _long_answers(port: int, *, quick: bool) -> list[Row]:
    """The whole curve, each time of other stretches; and the file of all trades."""
    total = 10 if quick else 100
    curve = await ask(port, [f"/api/equity-curve?points={2_000 + number}" for number in range(total)],
                      clients=1, total=total)  # fmt: skip
    file = await ask(port, [STREAMED], clients=1, total=2 if quick else 5)
    return [
        Row("http", "GET /api/equity-curve, every minute of the past, p95", "ms", latency(curve.latencies, 0.95),
            BOUND, Series((CURVE_MS,)), f"one client, {total} requests, none told twice, about 4,000 points each"),
        Row("http", "GET /api/trades.csv, first line", "ms", rates(file.first_bytes), BOUND, Series((GET_MS,)),
            f"the whole file takes {quantile(file.latencies, 0.5) / 1e3:.1f} s"),
    ]  # fmt: skip


def _addresses(port: int) -> dict[str, list[str]]:
    """By route template up to `ADDRESSES` different addresses that are answered with 200."""
    document = _get(port, "/api/openapi.json")
    values = _values(port)
    found = {}
    for route, methods in document["paths"].items():
        if "get" not in methods or route in (STREAMED, "/healthz", "/readyz"):
            continue
        parameters = [(each["name"], f"{each['in']}.{each['name']}") for each in methods["get"].get("parameters", [])]
        chosen = {name: values[place] for name, place in parameters if place in values}
        every = [dict(zip(chosen, each, strict=True)) for each in itertools.product(*chosen.values())]
        random.Random(1).shuffle(every)
        found[route] = [_address(route, each) for each in every[:ADDRESSES]]
    return found


def _values(port: int) -> Mapping[str, Sequence[str]]:
    """What is put in for the parameters: ids of what there is, and the filters that a reader sets."""
    names = [row["name"] for row in _get(port, "/api/strategies")]
    trades = _get(port, f"/api/trades?limit={ADDRESSES}")["trades"]
    runs = [str(row["id"]) for row in _get(port, "/api/backtests")["runs"]]
    markets = _get(port, "/api/polymarket/markets?state=resolved")["markets"]
    found = {
        "path.name": names, "query.strategy": names, "query.asset": ["BTC", "ETH", "SOL"],
        "path.asset": ["BTC", "ETH", "SOL"], "path.trade_id": [row["id"] for row in trades], "path.run_id": runs,
        "query.id": runs, "path.study_id": [str(row["id"]) for row in _get(port, "/api/studies")["studies"]],
        "path.report_id": [str(row["id"]) for row in _get(port, "/api/parity")["reports"]],
        "path.market_id": [row["id"] for row in markets], "query.interval": ["1m", "5m", "15m", "1h", "4h", "1d"],
        "query.sort": ["entry", "exit", "pnl", "hold", "fees"], "query.markers": ["true", "false"],
    }  # fmt: skip
    missing = [name for name, each in found.items() if not each]
    if missing:
        raise RuntimeError(f"nothing to ask for: {', '.join(missing)}")
    return found


def _address(route: str, given: Mapping[str, str]) -> str:
    path = route.format_map({**given})
    query = [f"{name}={value}" for name, value in given.items() if f"{{{name}}}" not in route]
    return f"{path}?{'&'.join(query)}" if query else path


def _newest(port: int) -> int:
    newest: int = _get(port, CANDLES)["candles"][-1]["t"]
    return newest


def _get(port: int, path: str) -> Any:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=60) as answer:
        return json.load(answer)
