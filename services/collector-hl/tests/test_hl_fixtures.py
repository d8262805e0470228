"""Every payload of the reference: what we read decodes to the values in it, everything else is refused or ignored."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from shared_data import SHARED, needs

from collector_hl import parse
from collector_hl.parse import AckRow, BboRow, BookRow, CandleRow, Context, CtxRow, ErrorRow, FundingRow, TradeRow
from trading_core.errors import VenueMessageInvalid

FIXTURES = SHARED / "venues" / "fixtures" / "hyperliquid"
ALL = sorted(path for path in FIXTURES.glob("*") if path.name != "index.json")
FRAMES = [path for path in ALL if path.name.startswith("ws_")]
UNREAD = ("allDexsAssetCtxs", "allMids", "fastAssetCtxs", "post")
"""Channels of which nothing is subscribed: refused by name."""
READERS: tuple[Callable[[bytes], object], ...] = (
    parse.frame, parse.candles, parse.funding, parse.listed, parse.venue_time_ms,
    lambda data: parse.contexts(data, {"BTC", "ETH"}),
)  # fmt: skip
pytestmark = needs("venues/fixtures/hyperliquid")


def check_levels(levels: list[parse.Level], told: list[Any]) -> None:
    assert [(level.px, level.sz) for level in levels] == [(one["px"], one["sz"]) for one in told]


def check_context(context: Context, told: dict[str, Any]) -> None:
    for value, name in (
        (context.mark_px, "markPx"), (context.oracle_px, "oraclePx"), (context.mid_px, "midPx"),
        (context.open_interest, "openInterest"), (context.funding, "funding"),
    ):  # fmt: skip
        assert value == told.get(name)


def check_row(row: parse.Row, told: Any) -> None:
    match row:
        case TradeRow():
            for name in ("coin", "side", "px", "sz", "time", "tid"):
                assert getattr(row, name) == told[name]
        case CandleRow():
            for name in ("t", "s", "i", "o", "h", "l", "c", "v", "n"):
                assert getattr(row, name) == told[name]
            assert row.last_ms == told["T"]
        case BboRow():
            assert (row.coin, row.time) == (told["coin"], told["time"])
            for level, side in zip(row.bbo, told["bbo"], strict=True):
                assert (level and (level.px, level.sz)) == (side and (side["px"], side["sz"]))
        case BookRow():
            assert (row.coin, row.time) == (told["coin"], told["time"])
            for levels, side in zip(row.levels, told["levels"], strict=True):
                check_levels(levels, side)
        case CtxRow():
            assert row.coin == told["coin"]
            check_context(row.ctx, told["ctx"])
        case AckRow():
            assert (row.type, row.coin) == (told["subscription"]["type"], told["subscription"]["coin"])
        case ErrorRow():
            assert row.text == told
        case _:
            raise AssertionError(f"not expected: {row}")


@pytest.mark.parametrize("path", FRAMES, ids=lambda path: path.stem)
def test_frames(path: Path) -> None:
    raw = path.read_bytes().strip()
    if path.suffix == ".txt":
        assert parse.frame(raw) == ("greeting", [], [])
        return
    told = json.loads(raw)
    if told["channel"] in UNREAD:
        with pytest.raises(VenueMessageInvalid, match=f"unknown channel '{told['channel']}'"):
            parse.frame(raw)
        return
    channel, rows, rejects = parse.frame(raw)
    assert not rejects
    if channel == "pong":
        return
    data = told["data"] if channel == "trades" else [told["data"]]
    for row, one in zip(rows, data, strict=True):
        check_row(row, one)


def test_settled_funding() -> None:
    for path in FIXTURES.glob("rest_fundingHistory*.json"):
        told = json.loads(path.read_bytes())
        rows, rejects = parse.funding(path.read_bytes())
        assert not rejects
        for row, one in zip(rows, told, strict=True):
            assert isinstance(row, FundingRow)
            assert (row.coin, row.rate, row.time) == (one["coin"], one["fundingRate"], one["time"])
            assert row.premium == one.get("premium")


def test_lists_of_assets() -> None:
    for path in FIXTURES.glob("rest_meta__*.json"):
        told = json.loads(path.read_bytes())["universe"]
        assert parse.listed(path.read_bytes()) == {one["name"] for one in told if not one.get("isDelisted")}


def test_contexts_of_all_assets() -> None:
    for path in FIXTURES.glob("rest_metaAndAssetCtxs__*.json"):
        meta, contexts = json.loads(path.read_bytes())
        names = [one["name"] for one in meta["universe"]]
        found, rejects = parse.contexts(path.read_bytes(), set(names))
        assert not rejects
        for name, told in zip(names, contexts, strict=True):
            check_context(found[name], told)


def test_candles_of_another_interval_are_set_aside_and_an_empty_range_is_empty() -> None:
    """The recorded ones are of 15 minutes and an hour; we ask for 1m only."""
    for path in FIXTURES.glob("rest_candleSnapshot__*.json"):
        rows, rejects = parse.candles(path.read_bytes())
        assert rows == []
        assert len(rejects) == len(json.loads(path.read_bytes()))
        assert all("not a 1m bucket" in reject.reason for reject in rejects)


def test_the_status_tells_the_time() -> None:
    [path] = FIXTURES.glob("rest_exchangeStatus__*.json")
    assert parse.venue_time_ms(path.read_bytes()) == json.loads(path.read_bytes())["time"]


@pytest.mark.parametrize(
    "path", [path for path in ALL if path.name.startswith("rest_error")], ids=lambda path: path.stem
)
def test_error_bodies_are_no_answer_of_any_kind(path: Path) -> None:
    for read in READERS:
        with pytest.raises(VenueMessageInvalid):
            read(path.read_bytes())
