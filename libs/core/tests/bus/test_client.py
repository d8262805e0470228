from __future__ import annotations

import asyncio

import pytest
import uvloop
from hypothesis import given
from hypothesis import strategies as st
from nats.errors import ProtocolError

from trading_core.bus.client import Raw, TappedClient
from trading_core.bus.connection import Bus, connect
from trading_core.bus.pull import sequences, unbroken
from trading_core.testing import eventually


class Collected:
    def __init__(self) -> None:
        self.messages: list[Raw] = []
        self.statuses: list[tuple[bytes, bytes]] = []

    def on_messages(self, run: list[Raw]) -> None:
        self.messages += run

    def on_status(self, subject: bytes, status: bytes) -> None:
        self.statuses.append((subject, status))


HEADERS = b"NATS/1.0\r\nNats-Msg-Id: 1\r\n\r\n"
STATUS = b"NATS/1.0 408 Request Timeout\r\nNats-Pending-Messages: 3\r\n\r\n"


def wire(data: bytes, with_headers: bool, with_reply: bool) -> bytes:
    reply = b"$JS.ACK.x " if with_reply else b""
    if not with_headers:
        return b"MSG a.b 7 %b%d\r\n%b\r\n" % (reply, len(data), data)
    return b"HMSG a.b 7 %b%d %d\r\n%b%b\r\n" % (reply, len(HEADERS), len(HEADERS) + len(data), HEADERS, data)


@given(st.lists(st.tuples(st.binary(max_size=60), st.booleans(), st.booleans()), max_size=8), st.integers(1, 200))
def test_messages_are_cut_right_however_the_bytes_arrive(messages: list[tuple[bytes, bool, bool]], size: int) -> None:
    stream = b"".join(wire(*message) for message in messages)
    stream += b"HMSG inbox 7 %d %d\r\n%b\r\n" % (len(STATUS), len(STATUS), STATUS)

    async def run() -> Collected:
        client, tap = TappedClient(), Collected()
        client.taps[b"7"] = tap
        for start in range(0, len(stream), size):
            await client._ps.parse(stream[start : start + size])
        return tap

    tap = asyncio.run(run())
    expected = [(b"a.b", b"$JS.ACK.x" if with_reply else b"", data) for data, _, with_reply in messages]
    assert tap.messages == expected
    assert tap.statuses == [(b"inbox", STATUS)]


async def test_bytes_that_are_no_protocol_end_the_connection_not_the_client() -> None:
    with pytest.raises(ProtocolError):
        await TappedClient()._ps.parse(b"MSG a 7 not-a-number\r\n")


async def test_taps_and_ordinary_subscriptions_share_a_connection(bus: Bus) -> None:
    tap = Collected()
    tapped = await bus.nc.tap("live.tapped", tap)
    ordinary = await bus.nc.subscribe("live.ordinary")
    for number in range(3):
        await bus.nc.publish("live.tapped", b"%d" % number)
        await bus.nc.publish("live.ordinary", b"%d" % number, headers={"X-Number": str(number)})
    received = [await ordinary.next_msg(timeout=5) for _ in range(3)]
    await eventually(lambda: len(tap.messages) == 3)
    assert [message.headers for message in received] == [{"X-Number": str(number)} for number in range(3)]
    assert [data for _, _, data in tap.messages] == [b"0", b"1", b"2"]
    await bus.nc.untap(tapped)
    await bus.nc.publish("live.tapped", b"late")
    await bus.nc.publish("live.ordinary", b"late")
    await ordinary.next_msg(timeout=5)
    assert len(tap.messages) == 3


def test_a_publish_on_a_connection_that_was_lost_a_moment_ago_does_not_raise(nats_url: str) -> None:
    """With the event loop of the services, whose closed transport raises at once."""

    async def lost() -> None:
        bus = await connect(nats_url, name="test/1", on_error=lambda _error: None)
        await _end_flusher(bus.nc)
        assert bus.nc._transport is not None
        bus.nc._transport.close()  # type: ignore[no-untyped-call]
        await bus.nc.publish("live.test", b"")
        await eventually(lambda: bus.connections == 2 and bus.connected.is_set())
        await bus.nc.flush()
        await bus.close()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(lost())


async def _end_flusher(client: TappedClient) -> None:
    flusher = client._flusher_task
    assert flusher is not None
    flusher.cancel()
    await asyncio.wait({flusher})


async def test_waiting_on_a_closed_connection_says_so(nats_url: str) -> None:
    bus = await connect(nats_url, name="test/2")
    await bus.close()
    with pytest.raises(ConnectionError, match="closed"):
        await bus.wait_connected()


@pytest.mark.parametrize("prefix", ["$JS.ACK.S.c", "$JS.ACK.domain.account.S.c"])
def test_both_forms_of_acknowledgement_subjects_are_read(prefix: str) -> None:
    tail = ".random" if "domain" in prefix else ""
    assert sequences(f"{prefix}.2.30.40.5000.6{tail}".encode()) == (2, 30, 40, 5000, 6)


def test_what_comes_before_a_hole_is_kept() -> None:
    raw = [(b"s", b"$JS.ACK.S.c.1.%d.%d.1.0" % (n, n), b"") for n in (5, 6, 8, 9)]
    assert [unbroken(raw, 5), unbroken(raw[:2], 5), unbroken(raw, 4)] == [2, 2, 0]
