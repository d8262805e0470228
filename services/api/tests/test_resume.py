"""A browser whose line broke goes on where it stopped, or begins anew; nobody may say or take much."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
import websockets
from pydantic import SecretStr
from websockets.asyncio.client import ClientConnection, connect

from api_lab import LiveApi
from trading_api.access import Access
from trading_api.live import hub as hubs
from trading_api.live.hub import Heard, Hub
from trading_api.live_messages import LiveHealth
from trading_api.routes.live import WORDS
from trading_api.schemas import Health
from trading_core.testing import eventually

QUIET = Health(status="ok", down_after_s=15, components=[], open_gaps=[])
READ = "a-token-to-read-with"


def say(hub: Hub, count: int) -> None:
    for _ in range(count):
        hub.publish(LiveHealth(seq=hub.next_sequence, health=QUIET))


def numbers(texts: Any) -> list[int]:
    return [json.loads(text)["seq"] for text in texts]


def test_what_was_missed_is_told_in_order_and_once() -> None:
    hub = Hub()
    say(hub, 5)
    subscriber = hub.join(Heard(hub.instance, 2))
    say(hub, 2)
    assert numbers(subscriber.missed) == [3, 4, 5]
    assert subscriber.since == 2
    assert numbers(subscriber.queue.get_nowait() for _ in range(2)) == [6, 7]
    assert subscriber.queue.empty()


def test_who_missed_nothing_goes_on_too() -> None:
    hub = Hub()
    assert hub.join(Heard(hub.instance, 0)).missed == []
    say(hub, 3)
    assert hub.join(Heard(hub.instance, 3)).missed == []


@pytest.mark.parametrize("sequence", [-1, 4, 10**17])
def test_a_number_that_was_never_sent_begins_anew(sequence: int) -> None:
    hub = Hub()
    say(hub, 3)
    subscriber = hub.join(Heard(hub.instance, sequence))
    assert (subscriber.missed, subscriber.since) == (None, 3)


def test_a_number_of_another_instance_begins_anew() -> None:
    hub = Hub()
    say(hub, 3)
    assert hub.join(Heard(Hub().instance, 2)).missed is None


def test_only_the_newest_messages_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hubs, "KEPT_MESSAGES", 10)
    hub = Hub()
    say(hub, 25)
    assert numbers(hub.join(Heard(hub.instance, 15)).missed) == list(range(16, 26))
    assert hub.join(Heard(hub.instance, 14)).missed is None
    size = len(LiveHealth(seq=25, health=QUIET).model_dump_json())
    monkeypatch.setattr(hubs, "KEPT_CHARACTERS", 4 * size)
    say(hub, 1)
    assert numbers(hub.join(Heard(hub.instance, 22)).missed) == [23, 24, 25, 26]
    assert hub.join(Heard(hub.instance, 21)).missed is None


def test_messages_are_kept_for_a_while_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """With room for all: what nobody comes back for is not held for an hour."""
    now_s = 100.0
    monkeypatch.setattr("trading_api.live.hub.time.monotonic", lambda: now_s)
    hub = Hub()
    say(hub, 3)
    now_s += hubs.KEPT_S
    say(hub, 1)
    assert numbers(hub.join(Heard(hub.instance, 0)).missed) == [1, 2, 3, 4]
    now_s += 1
    say(hub, 1)
    assert hub.join(Heard(hub.instance, 2)).missed is None
    assert numbers(hub.join(Heard(hub.instance, 3)).missed) == [4, 5]


def test_after_a_break_of_the_feed_nobody_goes_on() -> None:
    hub = Hub()
    say(hub, 3)
    before, subscriber = hub.instance, hub.join()
    hub.renew()
    assert subscriber.dismissed.is_set()
    assert subscriber.outdated
    assert hub.join(Heard(before, 3)).missed is None
    assert hub.join(Heard(hub.instance, 2)).missed is None


async def browser(api: LiveApi, query: str = "") -> ClientConnection:
    return await connect(f"ws://127.0.0.1:{api.port}/api/ws{query}", max_queue=None)


async def first_word(socket: ClientConnection) -> dict[str, Any]:
    async with asyncio.timeout(60):
        heard: dict[str, Any] = json.loads(await socket.recv())
        return heard


async def closed_with(socket: ClientConnection) -> int | None:
    async with asyncio.timeout(60):
        await socket.wait_closed()
        return socket.close_code


async def test_a_browser_that_comes_back_hears_what_it_missed(live_api: LiveApi) -> None:
    hub = live_api.context.hub
    async with await browser(live_api) as socket:
        first = await first_word(socket)
    assert (first["kind"], first["instance"]) == ("snapshot", hub.instance)
    await eventually(lambda: not hub.subscribers)
    say(hub, 3)
    async with await browser(live_api, f"?since={first['seq']}&instance={hub.instance}") as socket:
        resumed = await first_word(socket)
        assert (resumed["kind"], resumed["seq"], resumed["instance"]) == ("resumed", first["seq"], hub.instance)
        heard = [await first_word(socket) for _ in range(3)]
        assert [each["seq"] for each in heard] == [first["seq"] + step for step in (1, 2, 3)]
    await eventually(lambda: not hub.connections)


async def test_what_cannot_be_gone_on_from_begins_with_a_snapshot(live_api: LiveApi) -> None:
    own = live_api.context.hub.instance
    others = ["?since=999999", "?since=-1", "?since=\u00b2", "?since=%00", "?since=9999999999999999999999"]
    for query in [*(f"{each}&instance={own}" for each in others), "?since=0&instance=another", "?since=0",
                  f"?instance={own}"]:  # fmt: skip
        async with await browser(live_api, query) as socket:
            assert (query, (await first_word(socket))["kind"]) == (query, "snapshot")


async def test_everybody_begins_again_when_the_feed_does(live_api: LiveApi) -> None:
    socket = await browser(live_api)
    await first_word(socket)
    live_api.context.hub.renew()
    assert await closed_with(socket) == 1012


async def test_one_socket_too_many_is_told_to_come_later(live_api: LiveApi) -> None:
    hub, most = live_api.context.hub, live_api.context.settings.api.sockets
    await eventually(lambda: not hub.connections)  # one of an earlier test would take a place until it is gone
    held = [await browser(live_api) for _ in range(most)]
    await eventually(lambda: hub.connections == most)
    one_more = await browser(live_api)
    assert await closed_with(one_more) == 1013
    await held.pop().close()
    await eventually(lambda: hub.connections < most)
    async with await browser(live_api) as socket:
        assert (await first_word(socket))["kind"] == "snapshot"
    for socket in held:
        await socket.close()


async def test_who_talks_is_sent_away(live_api: LiveApi) -> None:
    socket = await browser(live_api)
    await first_word(socket)
    for _ in range(WORDS):
        await socket.send("word")
    assert await closed_with(socket) == 1008
    socket = await browser(live_api)
    await socket.send("x" * 5_000)
    assert await closed_with(socket) == 1009


async def test_without_a_token_in_the_first_message_nothing_is_told(
    live_api: LiveApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = live_api.context.settings.api.model_copy(update={"open_read": False, "read_token": SecretStr(READ)})
    monkeypatch.setattr(live_api.application.state, "access", Access(config))
    refused: list[tuple[str | bytes, int]] = [
        ('{"token": "wrong"}', 1008), ("{", 1008), (b"\x00", 1008), ("[]", 1008), ("x" * 5_000, 1009),
    ]  # fmt: skip
    for said, code in refused:
        socket = await browser(live_api, f"?token={READ}")
        await socket.send(said)
        assert (said, await closed_with(socket)) == (said, code)
    async with await browser(live_api) as socket:
        await socket.send(json.dumps({"token": READ}))
        assert (await first_word(socket))["kind"] == "snapshot"


async def test_an_origin_of_elsewhere_is_refused_also_with_a_number(live_api: LiveApi) -> None:
    query = f"?since=0&instance={live_api.context.hub.instance}"
    with pytest.raises(websockets.InvalidStatus):
        await connect(f"ws://127.0.0.1:{live_api.port}/api/ws{query}", origin="https://elsewhere.example")  # type: ignore[arg-type]
