"""What a search is: everything that its results depend on, under one key."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any, Literal

import msgspec
import numpy as np

import trading_core
from trading_core.backtest.history import History
from trading_core.broker.rules import DEFAULT_SZ_DECIMALS, rule_book
from trading_core.config import Settings
from trading_core.optimise.space import Axis, Space
from trading_core.optimise.walk_forward import Fold
from trading_core.strategy.files import code_hash
from trading_core.strategy.registry import LoadedStrategy

SearchName = Literal["grid", "random", "tpe"]
_LISTED = 1_000


class Study(msgspec.Struct, frozen=True, kw_only=True):
    """A search that may be broken off and taken up again. Times UTC ms."""

    key: str
    """16 hex digits over the data, the code, the settings, the sets and the way they are drawn."""
    strategy: str
    class_name: str
    metric: str
    search: SearchName
    seed: int
    trials: int
    """How many tries were asked for; with a grid the number of its sets."""
    assets: tuple[str, ...]
    source: str
    from_ms: int
    to_ms: int
    folds: tuple[Fold, ...]
    params: dict[str, Any]
    """Name → its values, or the text of a range of more than 1,000."""
    code_hash: str
    params_hash: str


def describe(
    loaded: LoadedStrategy,
    settings: Settings,
    history: History,
    space: Space,
    folds: tuple[Fold, ...],
    *,
    search: SearchName,
    trials: int,
    seed: int,
    metric: str,
) -> Study:
    """The study. More trials are the same study, and so is a grid or a random search ranked by another metric."""
    book = rule_book(settings.broker, {loaded.name: loaded.rules}, DEFAULT_SZ_DECIMALS)
    params = {axis.name: _values(axis) for axis in space.axes}
    depends_on = {
        "strategy": [loaded.name, loaded.code_hash, loaded.params_hash],
        "rules": msgspec.to_builtins(book.rules_for(loaded.name, loaded.exchanges[0])),
        "broker": settings.broker.model_dump(mode="json"),
        "snapshot": settings.snapshot.model_dump(mode="json"),
        "annualisation_days": settings.metrics.annualisation_days,
        "platform": code_hash(Path(trading_core.__file__).parent),
        "data": _digest(history),
        "folds": folds,
        "params": params,
        "search": [search, None if search == "grid" else seed, metric if search == "tpe" else None],
    }
    key = hashlib.blake2b(msgspec.json.encode(depends_on, order="sorted"), digest_size=8)
    return Study(
        key=key.hexdigest(),
        strategy=loaded.name,
        class_name=loaded.class_name,
        metric=metric,
        search=search,
        seed=seed,
        trials=trials,
        assets=tuple(sorted(history.candles)),
        source=history.source,
        from_ms=folds[0].from_ms,
        to_ms=folds[-1].to_ms,
        folds=folds,
        params=params,
        code_hash=loaded.code_hash,
        params_hash=loaded.params_hash,
    )


def _values(axis: Axis) -> Any:
    return axis.values() if axis.count <= _LISTED else axis.text


def _digest(history: History) -> str:
    """Of every candle and funding rate: results for other data must not be taken for these."""
    digest = hashlib.blake2b(digest_size=16)
    for asset, columns in sorted(history.candles.items()):
        digest.update(asset.encode())
        for column in columns:
            digest.update(np.ascontiguousarray(column).tobytes())
        digest.update(repr([(row.stamp_ms, str(row.rate)) for row in history.funding.get(asset, ())]).encode())
    return digest.hexdigest()
