"""Every payload of the reference: what we read decodes to the values in it, everything else is refused or ignored."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from shared_data import SHARED, needs

from collector_pm import listing, parse
from collector_pm.listing import Listing
from collector_pm.parse import BookRow, ChangesRow, LastTradeRow, Level, ResultRow, TickRow, TopRow
from trading_core.errors import VenueMessageInvalid

FIXTURES = SHARED / "venues" / "fixtures" / "polymarket"
READ = ("ws_market", "clob_rest_book", "clob_rest_market_", "gamma_market", "gamma_event_", "gamma_keyset")
"""Beginnings of the names of what the collector reads; nothing else is ever asked for."""
REFUSED = {
    "gamma_market__nt_clobTokenIds_native_array.json": "endDate",
    "gamma_market__nt_legacy_scalar.json": "outcomes must be Up and Down or Yes and No",
    "ws_market_price_change__legacy_2024.json": "price_changes",
    "ws_market_unknown__no_discriminator.json": "event_type",
    "ws_market_unknown__truncated.txt": "truncated",
}
"""Malformed, of an older wire, or no market of ours: what the refusal names."""
READERS: tuple[Callable[[bytes], object], ...] = (
    parse.frame, parse.books, parse.book, parse.winner, listing.listing, listing.listings, listing.of_events,
    lambda data: listing.of_page(data, frozenset({"btc-up-or-down-5m"})),
)  # fmt: skip
pytestmark = needs("venues/fixtures/polymarket")


def files(*beginnings: str) -> list[Path]:
    names = json.loads((FIXTURES / "index.json").read_bytes())["files"] if FIXTURES.is_dir() else []
    return [FIXTURES / one["file"] for one in names if one["file"].startswith(beginnings)]


def numbers(levels: list[Any]) -> list[tuple[float, float]]:
    pairs = [(one.price, one.size) if isinstance(one, Level) else (one["price"], one["size"]) for one in levels]
    return [(float(price), float(size)) for price, size in pairs]


def check_book(row: BookRow, told: dict[str, Any]) -> None:
    assert (row.market, row.asset_id, row.timestamp) == (told["market"], told["asset_id"], int(told["timestamp"]))
    assert numbers(row.bids) == numbers(told["bids"])
    assert numbers(row.asks) == numbers(told["asks"])
    for name in ("tick_size", "last_trade_price"):
        value, said = getattr(row, name), told.get(name)
        assert value is None if said in (None, "", "0") else float(value) == float(said)


def check_event(row: parse.Row, told: dict[str, Any]) -> None:
    match row:
        case BookRow():
            check_book(row, told)
        case ChangesRow():
            assert (row.market, row.timestamp) == (told["market"], int(told["timestamp"]))
            for one, said in zip(row.price_changes, told["price_changes"], strict=True):
                assert (one.asset_id, one.side) == (said["asset_id"], said["side"])
                for name in ("price", "size", "best_bid", "best_ask"):
                    assert float(getattr(one, name)) == float(said[name])
        case LastTradeRow():
            assert (row.asset_id, float(row.price)) == (told["asset_id"], float(told["price"]))
            assert row.timestamp == int(told["timestamp"])
        case TickRow():
            assert (row.asset_id, float(row.new_tick_size)) == (told["asset_id"], float(told["new_tick_size"]))
            assert row.timestamp == int(told["timestamp"])
        case TopRow():
            assert (float(row.best_bid), float(row.best_ask)) == (float(told["best_bid"]), float(told["best_ask"]))
            assert (row.asset_id, row.timestamp) == (told["asset_id"], int(told["timestamp"]))
        case ResultRow():
            assert (row.market, row.winning_asset_id) == (told["market"], told["winning_asset_id"])
            assert row.timestamp == int(told["timestamp"])
        case _:
            raise AssertionError(f"not expected: {row}")


def check_listing(found: Listing, told: dict[str, Any]) -> None:
    assert (found.market, found.slug, found.title) == (told["conditionId"], told["slug"], told["question"])
    outcomes, tokens = _list(told["outcomes"]), _list(told["clobTokenIds"])
    named = dict(zip(outcomes, tokens, strict=True))
    assert (found.yes_token, found.no_token) in (
        (named.get(yes), named.get(no)) for yes, no in (("Up", "Down"), ("Yes", "No"))
    )
    assert found.end_ms == _ms(told["endDate"])
    assert found.start_ms == (_ms(told["eventStartTime"]) if "eventStartTime" in told else None)
    assert found.closed == told.get("closed", False)
    for value, name in (
        (found.bid, "bestBid"), (found.ask, "bestAsk"), (found.last, "lastTradePrice"),
        (found.volume_24h, "volume24hr"), (found.liquidity, "liquidityNum"),
        (found.tick_size, "orderPriceMinTickSize"), (found.min_size, "orderMinSize"),
    ):  # fmt: skip
        assert (None if value is None else float(value)) == told.get(name), name
    fees = (told.get("feeSchedule") or {}) if told.get("feesEnabled") is not False else {}
    assert (None if found.fee_rate is None else float(found.fee_rate)) == fees.get("rate")
    if found.yes_payout is not None:
        assert float(found.yes_payout) == float(
            _list(told["outcomePrices"])[outcomes.index("Up" if "Up" in outcomes else "Yes")]
        )


def _list(value: Any) -> list[str]:
    found: list[str] = json.loads(value) if isinstance(value, str) else value
    return found


def _ms(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp() * 1000)


@pytest.mark.parametrize("path", files("ws_market"), ids=lambda path: path.stem)
def test_frames(path: Path) -> None:
    raw = path.read_bytes()
    rows, rejects = parse.frame(raw)
    if path.name in REFUSED:
        assert rows == []
        assert [REFUSED[path.name] in one.reason for one in rejects] == [True]
        return
    assert rejects == []
    if path.name.endswith(".txt"):
        assert rows == []
        return
    told = json.loads(raw)
    events = [one for one in (told if isinstance(told, list) else [told]) if _is_known(one)]
    assert len(rows) == len(events)
    for row, one in zip(rows, events, strict=True):
        check_event(row, one)


def _is_known(event: dict[str, Any]) -> bool:
    return event["event_type"] in (
        "book", "price_change", "last_trade_price", "tick_size_change", "best_bid_ask", "market_resolved",
    )  # fmt: skip


@pytest.mark.parametrize("path", files("clob_rest_book__"), ids=lambda path: path.stem)
def test_books_of_rest(path: Path) -> None:
    check_book(parse.book(path.read_bytes()), json.loads(path.read_bytes()))


def test_several_books_of_rest() -> None:
    raw = (FIXTURES / "clob_rest_books__two.json").read_bytes()
    rows, rejects = parse.books(raw)
    assert rejects == []
    for row, told in zip(rows, json.loads(raw), strict=True):
        check_book(row, told)


@pytest.mark.parametrize("path", files("clob_rest_market__"), ids=lambda path: path.stem)
def test_results_of_rest(path: Path) -> None:
    told = json.loads(path.read_bytes())
    won = [one["token_id"] for one in told["tokens"] if one.get("winner")]
    expected = won[0] if told["closed"] and won else None
    assert parse.winner(path.read_bytes()) == (told["condition_id"], expected)


@pytest.mark.parametrize("path", files("gamma_market__"), ids=lambda path: path.stem)
def test_markets_of_the_catalogue(path: Path) -> None:
    raw = path.read_bytes()
    found, rejects = listing.listings(b"[" + raw + b"]")
    if path.name in REFUSED:
        assert found == []
        assert [REFUSED[path.name] in one.reason for one in rejects] == [True], rejects
        return
    assert rejects == []
    check_listing(found[0], json.loads(raw))
    assert ("resolved" in path.name) == (found[0].yes_payout is not None and found[0].slug.startswith("btc-updown"))


@pytest.mark.parametrize("path", files("gamma_event__"), ids=lambda path: path.stem)
def test_markets_of_an_event(path: Path) -> None:
    raw = path.read_bytes()
    told = json.loads(raw)
    events = told if isinstance(told, list) else [told]
    found, rejects = listing.of_events(raw if isinstance(told, list) else b"[" + raw + b"]")
    markets = {one["conditionId"]: one for event in events for one in event["markets"]}
    assert len(found) + len(rejects) == len(markets)
    for one in found:
        check_listing(one, markets[one.market])


def test_pages_of_the_catalogue() -> None:
    raw = (FIXTURES / "gamma_keyset__events_page.json").read_bytes()
    told = json.loads(raw)
    assert listing.of_page(raw, frozenset()) == ([], [], told["next_cursor"])
    series = frozenset(event["seriesSlug"] for event in told["events"] if "seriesSlug" in event)
    found, rejects, _ = listing.of_page(raw, series)
    wanted = [event for event in told["events"] if event.get("seriesSlug") in series]
    assert len(found) + len(rejects) == sum(len(event["markets"]) for event in wanted)
    with pytest.raises(VenueMessageInvalid, match="events"):
        listing.of_page((FIXTURES / "gamma_keyset__last_page.json").read_bytes(), frozenset())


def test_whatever_else_the_venue_answers_is_refused_or_holds_nothing() -> None:
    """Errors, pages of HTML, and answers to questions we do not ask, given to every reader."""
    others = [path for path in files("") if not path.name.startswith(READ)]
    assert len(others) > 25
    for path in others:
        for read in READERS:
            try:
                found = read(path.read_bytes())
            except VenueMessageInvalid:
                continue
            parts = found if isinstance(found, tuple) else (found,)
            assert all(not part or isinstance(part[0], parse.Reject) for part in parts if isinstance(part, list)), path
