"""A browser's part: the WebSocket held open through every fault, and what it has been told (I9)."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

from chaos.platform import Platform

AGAIN_S = 0.5
NEWEST = 10
_OPEN = "SELECT event_id AS id FROM trading_paper.positions WHERE status = 'OPEN'"
_NEWEST = f"SELECT event_id AS id FROM trading_paper.fills ORDER BY ts DESC, event_id DESC LIMIT {NEWEST}"  # noqa: S608


class Page:
    """`run` for as long as it is looked at; it connects again by itself, as the page does."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._positions: set[str] = set()
        self._fills: set[str] = set()
        self.connections = 0

    async def run(self) -> None:
        """Never ends."""
        while True:
            try:
                async with connect(f"ws://127.0.0.1:{self._platform.api_port}/api/ws", max_queue=None) as socket:
                    self.connections += 1
                    async for text in socket:
                        self._hear(json.loads(text))
            except (OSError, TimeoutError, WebSocketException):
                pass
            await asyncio.sleep(AGAIN_S)

    def _hear(self, message: dict[str, Any]) -> None:
        match message["kind"]:
            case "snapshot":
                self._positions = {position["id"] for position in message["positions"]}
                self._fills |= {fill["id"] for fill in message["fills"]}
            case "position":
                self._positions = {position["id"] for position in message["positions"]}
            case "fill":
                self._fills.add(message["fill"]["id"])

    async def agrees(self) -> bool:
        """Whether the same positions are open here as in the ledger, and its newest fills are known."""
        positions = {row["id"] for row in await self._platform.fetch(_OPEN)}
        fills = {row["id"] for row in await self._platform.fetch(_NEWEST)}
        return positions == self._positions and fills <= self._fills
