"""A running API over real servers: what its tests hold, and how it is put together."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
from fastapi import FastAPI

from trading_api.app import create_app
from trading_api.context import Context
from trading_api.database import Database
from trading_core.config import Settings
from trading_core.db.pool import connect_pool


@dataclass
class Api:
    """`http` talks to the application; `context` is what it holds."""

    http: httpx.AsyncClient
    context: Context

    async def get(self, path: str, **query: Any) -> Any:
        answer = await self.http.get(path, params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()


@dataclass
class LiveApi(Api):
    """Also listens on `port`, and follows the bus."""

    port: int
    application: FastAPI


def settings(*, broker: dict[str, Any] | None = None, **api: Any) -> Settings:
    """Without limits on how often it is asked, each time answered anew, unless a test wants them."""
    free = {"read_rate": None, "control_rate": None, "answers_kept_s": 0}
    pages = {"frontend_dir": "no-such-folder", "data_notice": "Made up for a test.", **free, **api}
    return Settings(api=pages, broker=broker or {})


@asynccontextmanager
async def running(url: str, **broker: Any) -> AsyncIterator[Api]:
    context = Context(settings(broker=broker), Database(await connect_pool(url, role_name="api")))
    transport = httpx.ASGITransport(app=create_app(context), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        yield Api(client, context)
    await context.database.close()
