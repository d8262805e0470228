"""What the venue may say: decoded to the values in it, or refused with the field named."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from collector_pm import listing, parse
from collector_pm.parse import BookRow, ChangesRow
from trading_core.errors import VenueMessageInvalid

MARKET = "0x" + "ab" * 32
UP, DOWN = "71", "72"


def a_book(**changes: Any) -> dict[str, Any]:
    levels = {"bids": [{"price": "0.40", "size": "10"}, {"price": ".5", "size": "7.50"}], "asks": []}
    return {"event_type": "book", "market": MARKET, "asset_id": UP, "timestamp": "1786728432337", **levels, **changes}


def a_change(**changes: Any) -> dict[str, Any]:
    one = {"asset_id": UP, "price": "0.5", "size": "0", "side": "BUY", "best_bid": "0.4", "best_ask": "1"}
    told = {"event_type": "price_change", "market": MARKET, "timestamp": "1786728432400"}
    return {**told, "price_changes": [{**one, **changes}]}


def a_market(**changes: Any) -> dict[str, Any]:
    return {
        "conditionId": MARKET,
        "slug": "btc-updown-5m-1786728600",
        "question": "Bitcoin Up or Down",
        "endDate": "2026-08-14T17:35:00Z",
        "eventStartTime": "2026-08-14T17:30:00Z",
        "outcomes": '["Up", "Down"]',
        "outcomePrices": '["0.505", "0.495"]',
        "clobTokenIds": f'["{UP}", "{DOWN}"]',
        "closed": False,
        "volume24hr": 9.5,
        "liquidityNum": 20328.3747,
        "feesEnabled": True,
        "feeSchedule": {"rate": 0.07, "exponent": 1, "takerOnly": True},
        **changes,
    }


def only(data: Any) -> parse.Row:
    rows, rejects = parse.frame(json.dumps(data).encode())
    assert rejects == []
    [row] = rows
    return row


def refused(data: Any) -> str:
    rows, [reject] = parse.frame(json.dumps(data).encode())
    assert rows == []
    return reject.reason


def test_prices_are_written_in_one_way_whatever_the_venue_prints() -> None:
    row = only(a_book())
    assert isinstance(row, BookRow)
    assert [(one.price, one.size) for one in row.bids] == [("0.4", "10"), ("0.5", "7.5")]
    assert row.timestamp == 1_786_728_432_337


def test_an_array_holds_events_of_any_kind_and_unknown_ones_are_ignored() -> None:
    frame = json.dumps([a_book(), a_change(), {"event_type": "weather"}]).encode()
    rows, rejects = parse.frame(frame)
    assert [type(row) for row in rows] == [BookRow, ChangesRow]
    assert rejects == []
    assert parse.frame(b"[]") == ([], [])
    assert parse.frame(b"PONG") == ([], [])


def test_a_bad_event_does_not_take_its_neighbours_with_it() -> None:
    rows, rejects = parse.frame(json.dumps([a_book(), a_change(price="2"), a_change()]).encode())
    assert [type(row) for row in rows] == [BookRow, ChangesRow]
    assert [one.reason for one in rejects] == ["price_changes[].price must be a probability between 0 and 1, got 2"]


@pytest.mark.parametrize(
    ("event", "named"),
    [
        (a_book(timestamp="soon"), "timestamp"),
        (a_book(timestamp="0"), "timestamp"),
        (a_book(bids=[{"price": "0.5"}]), "size"),
        (a_book(bids=[{"price": "0.5", "size": "-1"}]), r"bids\[\].size"),
        (a_book(asks=[{"price": "1e-3", "size": "1"}]), r"asks\[\].price"),
        (a_book(asks=[{"price": "0." + "1" * 40, "size": "1"}]), r"asks\[\].price"),
        (a_change(side="HOLD"), "side"),
        (a_change(best_ask="1.5"), r"price_changes\[\].best_ask"),
        ({"event_type": "tick_size_change", "asset_id": UP, "new_tick_size": "0", "timestamp": "1"}, "new_tick_size"),
        ({"event_type": "market_resolved", "market": MARKET, "timestamp": "1786728432400"}, "winning_asset_id"),
        ({"asset_id": UP}, "event_type"),
    ],
)
def test_what_cannot_be_used_is_refused_with_the_field_named(event: dict[str, Any], named: str) -> None:
    assert re.search(named, refused(event))


def test_what_is_no_event_at_all_is_refused_whole() -> None:
    for data in (b"{", b"INVALID OPERATION", b"\xff"):
        rows, [reject] = parse.frame(data)
        assert rows == []
        assert reject.reason
    with pytest.raises(VenueMessageInvalid):
        parse.frame(b"[1")


def test_a_winner_counts_only_once_the_market_is_closed() -> None:
    tokens = [{"token_id": UP, "outcome": "Up", "winner": True}, {"token_id": DOWN, "outcome": "Down", "winner": False}]
    market = {"condition_id": MARKET, "closed": True, "tokens": tokens}
    assert parse.winner(json.dumps(market).encode()) == (MARKET, UP)
    assert parse.winner(json.dumps(market | {"closed": False}).encode()) == (MARKET, None)


def test_a_listing_has_its_terms_and_its_tokens_by_name() -> None:
    found = listing.listing(json.dumps(a_market(outcomes=["Down", "Up"])).encode())
    assert (found.yes_token, found.no_token) == (DOWN, UP)
    assert (found.end_ms - (found.start_ms or 0), found.volume_24h, found.liquidity) == (300_000, "9.5", "20328.3747")
    assert (found.fee_rate, found.fee_exponent, found.yes_payout) == ("0.07", "1", None)


def test_without_a_schedule_or_with_fees_switched_off_there_is_no_fee() -> None:
    for changes in ({"feesEnabled": False}, {"feeSchedule": None}):
        found = listing.listing(json.dumps(a_market(**changes)).encode())
        assert (found.fee_rate, found.fee_exponent) == (None, None)


@pytest.mark.parametrize(
    ("changes", "payout"),
    [
        ({"outcomePrices": '["1", "0"]'}, "1"),
        ({"outcomePrices": '["0", "1"]'}, "0"),
        ({"outcomePrices": '["0.5", "0.5"]', "umaResolutionStatus": "resolved"}, "0.5"),
        ({"outcomePrices": '["0", "0"]'}, None),
        ({"outcomePrices": '["0.9", "0.1"]'}, None),
        ({"outcomePrices": '["1", "0"]', "umaResolutionStatus": "proposed"}, None),
        ({"outcomePrices": '["1", "0"]', "closed": False}, None),
    ],
)
def test_a_result_is_what_a_closed_and_decided_market_pays(changes: dict[str, Any], payout: str | None) -> None:
    found = listing.listing(json.dumps(a_market(**{"closed": True, **changes})).encode())
    assert found.yes_payout == payout


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"clobTokenIds": None}, "clobTokenIds"),
        ({"clobTokenIds": '["71"]'}, "clobTokenIds"),
        ({"clobTokenIds": '["a", "b"]'}, "clobTokenIds"),
        ({"outcomes": '["Long", "Short"]'}, "outcomes"),
        ({"outcomes": "Up"}, "outcomes"),
        ({"endDate": "tomorrow"}, "endDate"),
        ({"conditionId": "a.b"}, "conditionId"),
        ({"bestBid": 1.5}, "bestBid"),
        ({"liquidityNum": -1}, "liquidityNum"),
    ],
)
def test_a_listing_that_cannot_be_meant_is_refused_by_field(changes: dict[str, Any], named: str) -> None:
    with pytest.raises(VenueMessageInvalid, match=named):
        listing.listing(json.dumps(a_market(**changes)).encode())


def test_events_give_the_markets_of_wanted_series_and_the_next_page() -> None:
    page = {
        "events": [
            {"slug": "a", "seriesSlug": "btc-up-or-down-5m", "markets": [a_market()]},
            {"slug": "b", "seriesSlug": "weather", "markets": [a_market(slug="rain")]},
            {"slug": "c", "markets": None},
        ],
        "next_cursor": "7",
    }
    found, rejects, cursor = listing.of_page(json.dumps(page).encode(), frozenset({"btc-up-or-down-5m"}))
    assert ([one.slug for one in found], rejects, cursor) == (["btc-updown-5m-1786728600"], [], "7")
    assert listing.of_page(b'{"events":[]}', frozenset()) == ([], [], None)
