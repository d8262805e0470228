"""Every message that any version ever wrote is read by this one, and what this one writes older readers can read.

A file per major version in `messages/`: `whole` has every field as written then, `bare` only what was required then.
Lines are added when a message or field is added; none is ever changed or taken away.
"""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import msgspec
import pytest

from trading_core import messages
from trading_core.errors import MessageInvalid

FOLDER = Path(__file__).parent / "messages"
WHOLE = [line for file in sorted(FOLDER.glob("*-whole.jsonl")) for line in file.read_text().splitlines()]
BARE = [line for file in sorted(FOLDER.glob("*-bare.jsonl")) for line in file.read_text().splitlines()]


@pytest.mark.parametrize("line", WHOLE, ids=lambda line: str(msgspec.json.decode(line)["id"]))
def test_what_was_written_whole_comes_out_as_it_was(line: str) -> None:
    assert messages.encode(messages.decode(line)).decode() == line


@pytest.mark.parametrize("line", BARE, ids=lambda line: str(msgspec.json.decode(line)["id"]))
def test_what_lacks_every_optional_field_is_read(line: str) -> None:
    read = msgspec.json.decode(messages.encode(messages.decode(line)))
    assert {key: read[key] for key in msgspec.json.decode(line)} == msgspec.json.decode(line)


def test_every_kind_of_message_is_there_with_every_field() -> None:
    kept: dict[type, set[str]] = {}
    for line in WHOLE:
        kept.setdefault(type(messages.decode(line)), set()).update(msgspec.json.decode(line))
    for kind in get_args(messages.AnyMessage):
        fields = {field.encode_name for field in msgspec.structs.fields(kind)}
        assert fields <= kept.get(kind, set()), f"add a line of {kind.__name__} to the newest file"
    kinds = {message.kind for message in map(messages.decode, WHOLE) if isinstance(message, messages.ExecMessage)}
    assert kinds == set(messages.EXEC_KINDS)


@pytest.mark.parametrize("line", WHOLE[:3])
def test_a_field_of_a_newer_version_is_passed_over(line: str) -> None:
    newer = msgspec.json.encode({**msgspec.json.decode(line), "not_known_yet": {"a": [1]}})
    assert messages.decode(newer) == messages.decode(line)


def test_a_kind_of_a_newer_version_is_refused_and_not_guessed() -> None:
    tag = next(key for key in msgspec.json.decode(WHOLE[0]) if msgspec.json.decode(WHOLE[0])[key] == "trade")
    with pytest.raises(MessageInvalid):
        messages.decode(msgspec.json.encode({**msgspec.json.decode(WHOLE[0]), tag: "trade_v2"}))
