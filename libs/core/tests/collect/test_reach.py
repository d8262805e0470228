"""An address that does not answer is named with its setting, why, and what to do."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import httpx
import pytest

from trading_core.collect import socket
from trading_core.collect.reach import LATE_S, Reach, reason
from trading_core.config import load
from trading_core.embedded.launch import free_port
from trading_core.errors import ConfigError, VenueUnavailable
from trading_core.runtime import Health

SETTING = "exchanges.hyperliquid.base_url"
URL = "https://api.example.test"


class Clock:
    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def test_an_address_that_never_answered_is_named_at_once() -> None:
    health = Health()
    reach = Reach(health, Clock())
    reach.failed(SETTING, URL, "its name cannot be resolved")
    [said] = reach.trouble
    for words in (SETTING, URL, "its name cannot be resolved", "TRADING_EXCHANGES__HYPERLIQUID__BASE_URL"):
        assert words in said
    assert (health.status, health.detail["trouble"], health.news.is_set()) == ("degraded", [said], True)
    reach.answered(SETTING)
    assert (health.status, health.detail["trouble"]) == ("ok", [])


def test_one_that_answered_before_is_named_when_it_goes_on_failing() -> None:
    clock = Clock()
    reach = Reach(Health(), clock)
    reach.answered(SETTING)
    reach.failed(SETTING, URL, "status 502")
    assert reach.trouble == []
    clock.now_s += LATE_S
    assert len(reach.trouble) == 1
    reach.answered(SETTING)
    reach.failed(SETTING, URL, "status 502")
    assert reach.trouble == [], "failing since then only"


@pytest.fixture
async def dumb_port() -> AsyncIterator[int]:
    """Somebody listens there who answers everything with nonsense."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.write(b"220 mail ready\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def over_http(url: str) -> str:
    async with httpx.AsyncClient() as client:
        with pytest.raises(httpx.HTTPError) as caught:
            await client.get(url)
    return reason(caught.value)


async def over_websocket(url: str) -> str:
    with pytest.raises(VenueUnavailable) as caught:
        async with socket.opened(
            socket.Socket, url.replace("http", "ws"), setting="x", ping="", ping_every_s=1, frame_bytes_max=9
        ):
            pass
    return reason(caught.value)


@pytest.mark.parametrize("ask", [over_http, over_websocket])
async def test_the_reason_is_the_cause_and_not_a_client_s_wrapping(
    ask: Callable[[str], Awaitable[str]], dumb_port: int
) -> None:
    assert "refused" in await ask(f"http://127.0.0.1:{free_port()}")
    assert "name cannot be resolved" in await ask("http://no-such-venue.invalid")
    assert "TLS fails" in await ask(f"https://127.0.0.1:{dumb_port}")


async def test_a_socket_that_is_refused_with_a_status_says_which() -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 404 Not Found\r\nDate: now\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(refuse, "127.0.0.1", 0)
    async with server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        assert await over_websocket(url) == "it answers with status 404"


async def test_a_venue_that_says_nothing_does_not_answer_in_time() -> None:
    async def hold(_reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await asyncio.Event().wait()

    server = await asyncio.start_server(hold, "127.0.0.1", 0)
    try:
        async with httpx.AsyncClient(timeout=0.05) as client:
            with pytest.raises(httpx.TimeoutException) as caught:
                await client.get(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
        assert reason(caught.value) == "it does not answer in time"
    finally:
        server.close()


@pytest.mark.parametrize(
    ("key", "value"),
    [("HYPERLIQUID__BASE_URL", "htps://api"), ("POLYMARKET__GAMMA_URL", "x"), ("POLYMARKET__WS_URL", "https://x")],
)
def test_an_address_that_is_none_is_refused_by_its_name(key: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"TRADING_EXCHANGES__{key}", value)
    with pytest.raises(ConfigError, match=f"TRADING_EXCHANGES__{key}: exchanges.* must match .*{value}"):
        load()
