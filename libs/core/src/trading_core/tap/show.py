"""One message as a line: for people, or as JSON for programs. Pure."""

from __future__ import annotations

import json
import re
from typing import Any

from trading_core import messages
from trading_core.db.times import utc
from trading_core.errors import MessageInvalid
from trading_core.messages import HeartbeatMessage
from trading_core.replay.span import moment_of

_UNITS_S = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_IN_THE_SUBJECT = frozenset({"t", "v", "id", "exchange", "asset", "event_time_ms", "received_time_ms"})
"""Fields of a message that a person reads elsewhere on the line, or not at all."""


def duration_s(text: str) -> int:
    """Seconds of `90s`, `10m`, `2h` or `1d`. ValueError for anything else."""
    found = re.fullmatch(r"(\d+)([smhd])", text)
    if found is None or not int(found[1]):
        raise ValueError(f"{text!r} is no duration. Write 90s, 10m, 2h or 1d.")
    return int(found[1]) * _UNITS_S[found[2]]


def event_ms(data: bytes) -> int | None:
    """When what the message tells happened, UTC ms; None where it does not say."""
    try:
        message = messages.decode(data)
    except MessageInvalid:
        return None
    return message.sent_time_ms if isinstance(message, HeartbeatMessage) else moment_of(message)


def line(subject: str, data: bytes) -> str:
    """`2026-11-20 12:00:00.000 market.hyperliquid.BTC.ctx  mark_price=95000.0 …`; data that is no JSON as it is."""
    at_ms = event_ms(data)
    time = "-" if at_ms is None else f"{utc(at_ms):%Y-%m-%d %H:%M:%S}.{at_ms % 1000:03d}"
    try:
        content = json.loads(data)
    except ValueError:
        return f"{time:<23} {subject}  {data.decode('utf-8', 'backslashreplace')}"
    if not isinstance(content, dict):
        return f"{time:<23} {subject}  {_text(content)}"
    said = " ".join(
        f"{key}={_text(value)}" for key, value in content.items() if key not in _IN_THE_SUBJECT and value is not None
    )
    return f"{time:<23} {subject}  {said}"


def as_json(subject: str, data: bytes) -> str:
    """`{"subject": …, "message": …}` on one line; the message as text when it is no JSON."""
    try:
        content: Any = json.loads(data)
    except ValueError:
        content = data.decode("utf-8", "backslashreplace")
    return json.dumps({"subject": subject, "message": content}, ensure_ascii=False)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))
