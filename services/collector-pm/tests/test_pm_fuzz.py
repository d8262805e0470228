"""Whatever bytes come, every parser reads or refuses them: no other exception, and nothing absurd gets through."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from test_pm_fixtures import READERS, files
from test_pm_parse import MARKET, UP, a_book, a_change, a_market

from collector_pm import listing, parse
from collector_pm.parse import BookRow, ChangesRow
from trading_core.errors import VenueMessageInvalid

WINNER = {"condition_id": MARKET, "closed": True, "tokens": [{"token_id": UP, "outcome": "Up", "winner": True}]}
PAGE = {"events": [{"seriesSlug": "btc-up-or-down-5m", "markets": [a_market()]}], "next_cursor": "7"}
OWN = [
    a_book(),
    a_change(),
    a_market(),
    [a_book()],
    [a_market()],
    [{"slug": "a", "markets": [a_market()]}],
    PAGE,
    WINNER,
]
RECORDED = [path.read_bytes() for path in files("") if path.suffix == ".json" and path.stat().st_size < 8_000]
"""Small ones: the large hold the same kinds of values more often."""
CORPUS = [json.dumps(one).encode() for one in OWN] + RECORDED
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=12)
    | st.sampled_from(["1e5", "-0", "0.5\n", "٠.٥", "NaN", "0" * 40, "[1]", '["a"]', "9" * 20, "\ud800"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)


def read_all(data: bytes) -> None:
    for read in READERS:
        with contextlib.suppress(VenueMessageInvalid):
            read(data)
    try:
        rows, _ = parse.frame(data)
    except VenueMessageInvalid:
        return
    for row in rows:
        if isinstance(row, BookRow):
            assert all(0 < float(one.price) < 1 and float(one.size) >= 0 for one in (*row.bids, *row.asks))
        if isinstance(row, ChangesRow):
            assert all(0 < float(one.price) < 1 and float(one.size) >= 0 for one in row.price_changes)


@given(st.binary(max_size=300))
@example(b"[" * 5_000)
@example(b'{"event_type":"book","market":"\\ud800"}')
@example(b'[{"conditionId":"0x1","slug":"a","endDate":"9999-12-31T23:59:59+00:00"}]')
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    read_all(data)


@settings(max_examples=200)
@given(JSON)
def test_any_json_is_read_or_refused(value: Any) -> None:
    read_all(json.dumps(value).encode())


@settings(max_examples=200)
@given(st.data())
def test_a_good_payload_with_one_value_replaced_is_read_or_refused(data: st.DataObject) -> None:
    payload = json.loads(data.draw(st.sampled_from(CORPUS)))
    read_all(json.dumps(_with_one_replaced(payload, data)).encode())


@settings(max_examples=200)
@given(st.data())
def test_a_good_payload_with_bytes_cut_doubled_or_changed_is_read_or_refused(data: st.DataObject) -> None:
    payload = data.draw(st.sampled_from(CORPUS))
    start = data.draw(st.integers(0, len(payload)))
    end = data.draw(st.integers(start, min(len(payload), start + 40)))
    read_all(payload[:start] + data.draw(st.binary(max_size=8)) + payload[end:])
    read_all(payload[:end] + payload[start:])


def _with_one_replaced(payload: Any, data: st.DataObject) -> Any:
    """`payload` with another value, or none, somewhere in it."""
    if isinstance(payload, dict) and payload and data.draw(st.integers(0, 4)):
        name = data.draw(st.sampled_from(sorted(payload)))
        if data.draw(st.integers(0, 9)) == 0:
            return {key: value for key, value in payload.items() if key != name}
        return {**payload, name: _with_one_replaced(payload[name], data)}
    if isinstance(payload, list) and payload and data.draw(st.integers(0, 4)):
        place = data.draw(st.integers(0, len(payload) - 1))
        return [*payload[:place], _with_one_replaced(payload[place], data), *payload[place + 1 :]]
    return data.draw(JSON)


@pytest.mark.parametrize("text", ["1970-01-01T00:00:01Z", "2026-08-14", "20260814T173000Z"])
def test_times_at_the_edges_are_read(text: str) -> None:
    found = listing.listing(json.dumps(a_market(endDate=text)).encode())
    assert 0 < found.end_ms < parse.TIME_MS_MAX


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00+12:00", "9999-12-31T23:59:59-12:00", "tomorrow", ""])
def test_other_times_are_refused(text: str) -> None:
    with pytest.raises(VenueMessageInvalid, match="endDate"):
        listing.listing(json.dumps(a_market(endDate=text)).encode())
