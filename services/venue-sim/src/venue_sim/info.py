"""`POST /info`: request body in, status and body out. Pure; never shows anything later than the clock."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, TypeGuard

from trading_core.model import HOUR_MS
from venue_sim import prints
from venue_sim.market import INTERVALS_MS, Market

JSON_TYPE = "application/json"
TEXT_TYPE = "text/plain"
END_OF_SAMPLE = "end_of_sample"


@dataclass(frozen=True)
class Answer:
    status: int
    body: str
    content_type: str = JSON_TYPE


BAD_JSON = Answer(400, "Failed to parse the request body as JSON", TEXT_TYPE)
BAD_TYPE = Answer(415, "Expected request with `Content-Type: application/json`", TEXT_TYPE)
BAD_SHAPE = Answer(422, "Failed to deserialize the JSON body into the target type", TEXT_TYPE)
UNKNOWN = Answer(500, "null")
NULL = Answer(200, "null")


@dataclass(frozen=True)
class Now:
    """What the venue may show: its clock, the newest print, and whether the sample is over."""

    time_ms: int
    p: int
    ended: bool = False
    delisted: frozenset[str] = frozenset()


def ok(value: Any) -> Answer:
    return Answer(200, json.dumps(value, separators=(",", ":")))


def kind_of(body: bytes) -> str:
    """The `type` of a request; empty when it has none."""
    try:
        kind = json.loads(body).get("type")
    except (ValueError, AttributeError):
        return ""
    return kind if isinstance(kind, str) else ""


def answer(market: Market, now: Now, body: bytes) -> Answer:
    """The venue's answer to one request body, errors included."""
    try:
        request = json.loads(body)
    except ValueError:
        return BAD_JSON
    return ask(market, now, request)


def ask(market: Market, now: Now, request: Any) -> Answer:
    if not isinstance(request, dict):
        return BAD_SHAPE
    dex = request.get("dex") or ""
    match request.get("type"):
        case "meta":
            return ok(meta(market, now)) if dex == "" else UNKNOWN
        case "metaAndAssetCtxs":
            contexts = [market.ctx(coin, now.p) for coin in market.coins]
            return ok([meta(market, now), contexts]) if dex == "" else UNKNOWN
        case "allPerpMetas":
            return ok([meta(market, now)])
        case "perpDexs":
            return ok([None])
        case "spotMeta":
            return ok(_spot_meta())
        case "spotMetaAndAssetCtxs":
            return ok([_spot_meta(), []])
        case "outcomeMeta":
            return ok({"outcomes": []})
        case "allMids":
            return ok(market.mids(now.p))
        case "exchangeStatus":
            return ok({"specialStatuses": [END_OF_SAMPLE] if now.ended else None, "time": now.time_ms})
        case "predictedFundings":
            return ok([[coin, _predicted(market, coin, now)] for coin in market.coins])
        case "l2Book":
            return _book(market, now, request)
        case "recentTrades":
            return _recent(market, now, request)
        case "candleSnapshot":
            return _candles(market, now, request.get("req"))
        case "fundingHistory":
            return _funding(market, now, request)
        case _:
            return BAD_SHAPE


def meta(market: Market, now: Now) -> dict[str, Any]:
    specs = [asset.spec for asset in market.sample.assets.values()]
    return {
        "universe": [
            {
                "name": spec.name,
                "szDecimals": spec.size_decimals,
                "maxLeverage": spec.leverage_max,
                "marginTableId": spec.leverage_max,
                **({"isDelisted": True} if spec.name in now.delisted else {}),
            }
            for spec in specs
        ],
        "marginTables": [
            [leverage, {"description": "", "marginTiers": [{"lowerBound": "0.0", "maxLeverage": leverage}]}]
            for leverage in sorted({spec.leverage_max for spec in specs})
        ],
        "collateralToken": 0,
    }


def _spot_meta() -> dict[str, Any]:
    token = {
        "name": "USDC",
        "szDecimals": 8,
        "weiDecimals": 8,
        "index": 0,
        "tokenId": "0x" + "0" * 32,
        "isCanonical": True,
        "evmContract": None,
        "fullName": None,
    }
    return {"tokens": [token], "universe": []}


def _predicted(market: Market, coin: str, now: Now) -> list[list[Any]]:
    asset = market.sample.assets[coin]
    rows: list[list[Any]] = []
    for venue, source, hours in (("BinPerp", asset.funding_8h, 8), ("HlPerp", asset.funding, 1)):
        settled = source.last_at(now.time_ms - market.shift_ms)
        width = hours * HOUR_MS
        quoted = settled and {
            "fundingRate": prints.rate(settled[1]),
            "nextFundingTime": now.time_ms // width * width + width,
            "fundingIntervalHours": hours,
        }
        rows.append([venue, quoted])
    return rows


def _book(market: Market, now: Now, request: dict[str, Any]) -> Answer:
    coin = request.get("coin")
    figures, mantissa = request.get("nSigFigs"), request.get("mantissa")
    if not isinstance(coin, str) or figures not in (None, 2, 3, 4, 5) or mantissa not in (None, 1, 2, 5):
        return BAD_SHAPE
    return ok(market.book(coin, now.p)) if coin in market.coins else NULL


def _recent(market: Market, now: Now, request: dict[str, Any]) -> Answer:
    coin = request.get("coin")
    if not isinstance(coin, str):
        return BAD_SHAPE
    return ok(market.backlog(coin, now.p)[::-1]) if coin in market.coins else UNKNOWN


def _candles(market: Market, now: Now, request: Any) -> Answer:
    if not isinstance(request, dict):
        return BAD_SHAPE
    coin, interval = request.get("coin"), request.get("interval")
    start, end = request.get("startTime"), request.get("endTime")
    if not isinstance(coin, str) or interval not in INTERVALS_MS or not _is_time(start):
        return BAD_SHAPE
    if end is not None and not _is_time(end):
        return BAD_SHAPE
    if coin not in market.coins:
        return UNKNOWN
    return ok(market.candles(coin, interval, now.p, start, end))


def _funding(market: Market, now: Now, request: dict[str, Any]) -> Answer:
    coin, start, end = request.get("coin"), request.get("startTime"), request.get("endTime")
    if not isinstance(coin, str) or not _is_time(start) or not (end is None or _is_time(end)):
        return BAD_SHAPE
    if coin not in market.coins:
        return UNKNOWN
    return ok(market.funding(coin, now.time_ms, start, end))


def _is_time(value: Any) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0
