"""Damage for parsers: any JSON, and good payloads with something in them replaced, cut, doubled or changed."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from hypothesis import strategies as st

ODD = ["1e5", "-0", "0.5\n", "٠.٥", "NaN", "0" * 40, "9" * 20, "\ud800"]
"""Texts that are almost numbers, or no text at all."""


def any_json(*odd: str | int) -> st.SearchStrategy[Any]:
    """Values of any JSON form, those of `ODD` and `odd` among them more often."""
    return st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12) | st.sampled_from([*ODD, *odd]),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
        max_leaves=8,
    )


def read_with_one_replaced(
    read: Callable[[bytes], None], corpus: Sequence[bytes], value: st.SearchStrategy[Any], data: st.DataObject
) -> None:
    payload = json.loads(data.draw(st.sampled_from(corpus)))
    read(json.dumps(_with_one_replaced(payload, value, data)).encode())


def read_damaged(read: Callable[[bytes], None], corpus: Sequence[bytes], data: st.DataObject) -> None:
    """Once with a few bytes changed or cut, once with them doubled."""
    payload = data.draw(st.sampled_from(corpus))
    start = data.draw(st.integers(0, len(payload)))
    end = data.draw(st.integers(start, min(len(payload), start + 40)))
    read(payload[:start] + data.draw(st.binary(max_size=8)) + payload[end:])
    read(payload[:end] + payload[start:])


def _with_one_replaced(payload: Any, value: st.SearchStrategy[Any], data: st.DataObject) -> Any:
    """`payload` with another value, or none, somewhere in it."""
    if isinstance(payload, dict) and payload and data.draw(st.integers(0, 4)):
        name = data.draw(st.sampled_from(sorted(payload)))
        if data.draw(st.integers(0, 9)) == 0:
            return {key: held for key, held in payload.items() if key != name}
        return {**payload, name: _with_one_replaced(payload[name], value, data)}
    if isinstance(payload, list) and payload and data.draw(st.integers(0, 4)):
        place = data.draw(st.integers(0, len(payload) - 1))
        return [*payload[:place], _with_one_replaced(payload[place], value, data), *payload[place + 1 :]]
    return data.draw(value)
