"""The server's own limit for acknowledged publishing: prepared bytes on a socket, acknowledgements only counted."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Sequence
from urllib.parse import urlsplit

WINDOW = 4_000
BLOCK = 500
_INBOX = "_BENCH.acks"
_ACK = b'"seq":'


async def publish_raw(url: str, subject: str, payloads: Sequence[bytes]) -> float:
    """Seconds from the first byte to the last acknowledgement; WINDOW outstanding, BLOCK messages per write."""
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port, limit=1 << 20)
    try:
        options = {"verbose": False, "pedantic": False, "user": parts.username, "pass": parts.password}
        writer.write(f"CONNECT {json.dumps(options)}\r\nSUB {_INBOX} 1\r\nPING\r\n".encode())
        await reader.readuntil(b"PONG\r\n")
        blocks = [_block(subject, payloads[at : at + BLOCK]) for at in range(0, len(payloads), BLOCK)]
        began = time.perf_counter()
        sent = acknowledged = 0
        tail = b""
        while acknowledged < len(payloads):
            while blocks and sent - acknowledged <= WINDOW - BLOCK:
                writer.write(blocks.pop(0))
                sent += BLOCK
            await writer.drain()
            received = tail + await reader.read(1 << 20)
            acknowledged += received.count(_ACK)
            # The mark may lie across two reads, but never whole in the part that is looked at twice.
            tail = received[1 - len(_ACK) :]
        return time.perf_counter() - began
    finally:
        writer.close()
        await writer.wait_closed()


def _block(subject: str, payloads: Sequence[bytes]) -> bytes:
    return b"".join(b"PUB %b %b %d\r\n%b\r\n" % (subject.encode(), _INBOX.encode(), len(p), p) for p in payloads)
