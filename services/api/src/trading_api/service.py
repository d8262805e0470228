"""Wiring: the web server, the database pool and the live feed, each of which may come and go."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from typing import Any

import structlog
import uvicorn

from trading_api.app import create_app
from trading_api.context import Context
from trading_api.database import Database, DatabaseAway, QueryTooSlow
from trading_api.live.feed import Feed
from trading_core.config import ApiConfig, Settings
from trading_core.db.pool import connect_pool
from trading_core.errors import ConfigError
from trading_core.runtime import Runtime

log = structlog.get_logger()
POOL_MAX = 8
RETRY_S = 1.0
READY_S = 30.0
SHUTDOWN_S = 2


class Server(uvicorn.Server):
    """Signals belong to the runtime."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def web_server(context: Context) -> Server:
    """The application as it is served; `ws_max_size` bounds what a browser may say at once.

    Sockets are not compressed: it would be done for each browser anew, and 50 of them would take cores from the broker.
    """
    return Server(
        uvicorn.Config(
            create_app(context),
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=SHUTDOWN_S,
            ws_max_size=4_096,
            ws_ping_interval=15,
            ws_ping_timeout=10,  # with the interval: who reads nothing is cut within 25 s
            ws_per_message_deflate=False,
        )
    )


def bind(config: ApiConfig) -> socket.socket:
    """A listening socket. ConfigError with what to do when somebody else has the port."""
    family = socket.AF_INET6 if ":" in config.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((config.host, config.port))
        listener.listen(256)
    except OSError as error:
        listener.close()
        raise ConfigError(
            f"api.port: {config.host}:{config.port} cannot be used ({error.strerror}). "
            "Stop what listens there, or choose another port with TRADING_API__PORT."
        ) from error
    listener.setblocking(False)
    return listener


async def start(runtime: Runtime) -> None:
    """Serves from the first moment. What Postgres or NATS is needed for answers 503 until they are there."""
    settings = runtime.settings
    listener = bind(settings.api)
    context = Context(settings, Database())
    server = web_server(context)
    # A refused login ends the service; a server that is away is waited for.
    connecting = {
        asyncio.create_task(connect_database(context, settings)),
        asyncio.create_task(follow(context, runtime)),
    }
    background = [asyncio.create_task(each) for each in (report_health(context, runtime), keep_ready(context))]
    stopped = asyncio.ensure_future(runtime.stop.wait())
    serving = asyncio.ensure_future(server.serve(sockets=[listener]))
    log.info("page_served", address=f"http://{settings.api.host}:{settings.api.port}")
    try:
        while not stopped.done() and not serving.done():
            await asyncio.wait({serving, stopped, *connecting}, return_when=asyncio.FIRST_COMPLETED)
            for task in [task for task in connecting if task.done()]:
                connecting.discard(task)
                task.result()
    finally:
        server.should_exit = True
        ending: list[asyncio.Future[Any]] = [*background, *connecting, stopped]
        for work in ending:
            work.cancel()
        await asyncio.gather(*ending, return_exceptions=True)
        await serving
        await context.database.close()


async def connect_database(context: Context, settings: Settings) -> None:
    context.database.connected(await connect_pool(settings.database.url, role_name="api", max=POOL_MAX))


async def keep_ready(context: Context) -> None:
    """Reads the history at the start and statistics again and again: nobody who opens the page waits for them."""
    while True:
        away = False
        try:
            await context.figures.answer()
        except (DatabaseAway, QueryTooSlow):
            away = True
        await asyncio.sleep(RETRY_S if away else READY_S)


async def follow(context: Context, runtime: Runtime) -> None:
    """The live feed, once the bus is there; started again when it breaks: the page then lives on what it asks for."""
    bus = context.bus = await runtime.connect()
    while True:
        try:
            await Feed(context, bus).run()
        except* Exception as errors:
            log.error("live_feed_failed", exc_info=errors.exceptions[0])
        await asyncio.sleep(RETRY_S)


async def report_health(context: Context, runtime: Runtime) -> None:
    while True:
        context.pulse.bus_connected = context.bus is not None and context.bus.connected.is_set()
        runtime.health.event_time_ms = context.portfolio.event_time_ms(context.portfolio.held)
        runtime.health.detail["browsers"] = len(context.hub.subscribers)
        await asyncio.sleep(0.5)
