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
from fuzzing import any_json, read_damaged, read_with_one_replaced
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
JSON = any_json("[1]", '["a"]')


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
    read_with_one_replaced(read_all, CORPUS, JSON, data)


@settings(max_examples=200)
@given(st.data())
def test_a_good_payload_with_bytes_cut_doubled_or_changed_is_read_or_refused(data: st.DataObject) -> None:
    read_damaged(read_all, CORPUS, data)


@pytest.mark.parametrize("text", ["1970-01-01T00:00:01Z", "2026-08-14", "20260814T173000Z"])
def test_times_at_the_edges_are_read(text: str) -> None:
    found = listing.listing(json.dumps(a_market(endDate=text)).encode())
    assert 0 < found.end_ms < parse.TIME_MS_MAX


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00+12:00", "9999-12-31T23:59:59-12:00", "tomorrow", ""])
def test_other_times_are_refused(text: str) -> None:
    with pytest.raises(VenueMessageInvalid, match="endDate"):
        listing.listing(json.dumps(a_market(endDate=text)).encode())
