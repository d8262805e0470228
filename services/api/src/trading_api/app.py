"""The application: routes, guards, errors, page."""

from __future__ import annotations

import time
from typing import Any

from fastapi import Depends, FastAPI
from fastapi.openapi.utils import get_openapi
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from trading_api import frontend, live_messages, metrics, problems, straight
from trading_api.access import Access, Gate
from trading_api.context import Context
from trading_api.params import only_known
from trading_api.routes import (
    control,
    health,
    lineage,
    live,
    parity,
    positions,
    probes,
    quality,
    research,
    risk,
    series,
    signals,
    strategies,
    summary,
    system,
    trades,
)
from trading_api.schemas import Problem
from trading_api.security import Guard
from trading_api.shared import Shared
from trading_core.config import ApiConfig

ABOUT = """A paper-trading portfolio: everything can be read, and with a token the broker can be steered.

Money and quantities are decimal strings, times UTC milliseconds of market time, fractions 0.02 for two per cent.
`/api/ws` is a WebSocket: a `Snapshot` first, then `LiveMessage`s numbered without a hole. `?since=SEQ&instance=ID` with
what was heard last goes on there."""
PARTS = (
    summary,
    strategies,
    positions,
    trades,
    lineage,
    risk,
    series,
    signals,
    health,
    quality,
    research,
    parity,
    system,
    live,
    control,
    probes,
)
"""In the order of the document that describes them."""
PROBLEM = {"model": Problem, "description": "Problem document (RFC 9457)"}


class Timed:
    """Counts how long answers take, by the template of their route so that ids never become labels."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started_ns = time.perf_counter_ns()
        status = "500"

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = str(message["status"])
            await send(message)

        try:
            await self._app(scope, receive, noted)
        finally:
            route = getattr(scope.get("route"), "path", "other")
            metrics.REQUESTS.labels(route, status).observe((time.perf_counter_ns() - started_ns) / 1e9)


def create_app(context: Context | None = None, config: ApiConfig | None = None) -> FastAPI:
    """Without a context only the OpenAPI document can be made."""
    settings = config or (context.settings.api if context else ApiConfig())
    app = FastAPI(
        title="Paper trading",
        version="1",
        description=ABOUT,
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/openapi.json",
        responses=dict.fromkeys((401, 413, 422, 429, 500, 503), PROBLEM),
        generate_unique_id_function=lambda route: route.name,
    )
    app.state.context = context
    app.state.access = access = Access(settings)
    for part in PARTS:
        # A socket has no such answers, and machines may ask the probes as they like.
        app.include_router(part.router, dependencies=[] if part in (live, probes) else [Depends(only_known)])
    frontend.install(app, settings.frontend_dir)
    problems.install(app)
    if context is not None:
        route = next(each for each in series.router.routes if getattr(each, "path", None) == straight.PATH)
        app.add_middleware(straight.Straight, context=context, route=route)
    app.add_middleware(GZipMiddleware, minimum_size=1_000, compresslevel=4)
    if context is not None:
        app.add_middleware(Shared, kept_s=settings.answers_kept_s, version=lambda: context.changes)
    app.add_middleware(Gate, access=access, config=settings)
    if settings.origins:
        app.add_middleware(
            CORSMiddleware, allow_origins=list(settings.origins), allow_methods=["GET", "POST"],
            allow_headers=["Authorization", "Content-Type", "Idempotency-Key"],
        )  # fmt: skip
    app.add_middleware(Timed)
    app.add_middleware(Guard, host=settings.host)
    app.openapi = lambda: _document(app)  # type: ignore[method-assign]
    return app


def _document(app: FastAPI) -> dict[str, Any]:
    """OpenAPI of the routes, with the WebSocket's messages among the components so that clients are typed too."""
    if app.openapi_schema is None:
        document = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
        schemas = document["components"]["schemas"]
        schemas.update(live_messages.schemas())
        for unused in ("HTTPValidationError", "ValidationError"):
            schemas.pop(unused, None)
        for methods in document["paths"].values():
            for operation in methods.values():
                problems.describe(operation["responses"])
        app.openapi_schema = document
    return app.openapi_schema
