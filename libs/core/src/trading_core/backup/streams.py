"""Streams into files and back by the server's own snapshots: messages, sequences, times and where readers are."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from trading_core.bus.connection import Bus
from trading_core.errors import ConfigError, TradingError
from trading_core.streams import BACKED_UP

CHUNK_BYTES = 128 * 1024
SENT_BYTES = 8 * 1024
"""The server syncs each restored message of SIGNALS and EXEC by itself, and gives up on a chunk after five seconds."""
ANSWER_S = 30.0
Advance = Callable[[int], None]
"""Told how many bytes have been written or read."""


async def save(bus: Bus, name: str, file: Path, advance: Advance) -> dict[str, Any]:
    """`file` gets the snapshot; the server's answer with `config` and `state`. TradingError when it breaks off."""
    inbox = bus.nc.new_inbox()
    subscription = await bus.nc.subscribe(inbox)
    try:
        wanted = {"deliver_subject": inbox, "no_consumers": False, "chunk_size": CHUNK_BYTES}
        answer = await _ask(bus, f"$JS.API.STREAM.SNAPSHOT.{name}", json.dumps(wanted).encode())
        with file.open("wb") as output:
            while True:
                message = await subscription.next_msg(timeout=ANSWER_S)
                if message.headers and message.headers.get("Status") not in (None, "204"):
                    raise TradingError(f"stream {name}: the server broke its snapshot off: {message.headers}")
                if not message.data:
                    return answer
                output.write(message.data)
                advance(len(message.data))
                if message.reply:
                    await bus.nc.publish(message.reply)
    except TimeoutError as error:
        raise TradingError(f"stream {name}: its snapshot stopped coming for {ANSWER_S:.0f} s. Try again.") from error
    finally:
        await subscription.unsubscribe()


async def load(bus: Bus, name: str, file: Path, saved: dict[str, Any], advance: Advance) -> None:
    """The stream and its consumers as they were. TradingError when the server refuses it, as when it exists."""
    body = json.dumps({"config": saved["config"], "state": saved["state"]}).encode()
    answer = await _ask(bus, f"$JS.API.STREAM.RESTORE.{name}", body)
    with file.open("rb") as source:
        while chunk := source.read(SENT_BYTES):
            await _send(bus, name, answer["deliver_subject"], chunk)
            advance(len(chunk))
    await _send(bus, name, answer["deliver_subject"], b"")


async def present(bus: Bus) -> list[str]:
    """Streams that hold something."""
    answer = await _ask(bus, "$JS.API.STREAM.LIST", b"")
    return sorted(one["config"]["name"] for one in answer.get("streams") or [] if one["state"]["messages"])


async def remove_empty(bus: Bus) -> None:
    """Streams that `provision` made and nobody has used, so that a snapshot can take their place."""
    for stream in BACKED_UP:
        reply = await bus.nc.request(f"$JS.API.STREAM.DELETE.{stream.name}", b"", timeout=ANSWER_S)
        answer = json.loads(reply.data)
        if "error" in answer and answer["error"].get("code") != 404:
            raise TradingError(f"stream {stream.name}: {answer['error'].get('description')}")


async def _send(bus: Bus, name: str, subject: str, chunk: bytes) -> None:
    reply = await bus.nc.request(subject, chunk, timeout=ANSWER_S)
    if reply.data[:1] == b"{":
        _refused(name, json.loads(reply.data))


async def _ask(bus: Bus, subject: str, body: bytes) -> dict[str, Any]:
    try:
        async with asyncio.timeout(ANSWER_S):
            reply = await bus.nc.request(subject, body, timeout=ANSWER_S)
    except TimeoutError as error:
        raise ConfigError(f"nats.url: no answer to {subject}. Does this user have the right to ask?") from error
    answer: dict[str, Any] = json.loads(reply.data)
    _refused(subject.rpartition(".")[2], answer)
    return answer


def _refused(name: str, answer: dict[str, Any]) -> None:
    if "error" in answer:
        raise TradingError(f"stream {name}: the server refuses: {answer['error'].get('description')}")
