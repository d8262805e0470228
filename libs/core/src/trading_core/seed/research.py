"""Backtests and a study of the optimiser over a made-up past, by the commands that a person would use."""

from __future__ import annotations

import argparse
import contextlib
import io
from collections.abc import Sequence
from types import ModuleType

from rich.console import Console

from trading_core.backtest import command as backtest
from trading_core.db.times import utc
from trading_core.errors import TradingError
from trading_core.model import DAY_MS
from trading_core.optimise import command as optimise
from trading_core.seed.tape import Wanted
from trading_core.supervise.attach import environment

MOST_DAYS = 28
RUNS = (
    ("--strategy", "rsi_mean_reversion"),
    ("--strategy", "rsi_mean_reversion", "--param", "oversold=20", "--param", "overbought=80"),
    ("--strategy", "momentum_breakout"),
    ("--strategy", "funding_arb"),
    ("--all", "--isolation", "per_strategy"),
)
STUDY = (
    "--strategy", "rsi_mean_reversion", "--param", "oversold=15:30:5", "--param", "overbought=70:85:5",
    "--workers", "1", "--yes",
)  # fmt: skip


def add(url: str, wanted: Wanted, console: Console) -> None:
    """Real runs on made-up candles: their results are those of the strategies, not drawn. Over the last weeks."""
    to_ms = wanted.to_ms // DAY_MS * DAY_MS
    from_ms = max(min(wanted.from_ms + DAY_MS, to_ms - DAY_MS), to_ms - MOST_DAYS * DAY_MS)
    span = ("--from", f"{utc(from_ms):%Y-%m-%d}", "--to", f"{utc(to_ms):%Y-%m-%d}")
    with environment({"TRADING_DATABASE__URL": url}):
        for words in RUNS:
            _do(backtest, "backtest", (*words, *span, "--fidelity", "candle"), console)
        _do(optimise, "optimise", (*STUDY, *span), console)


def _do(module: ModuleType, name: str, words: Sequence[str], console: Console) -> None:
    parser = argparse.ArgumentParser(name)
    module.add_arguments(parser)
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        code = module.run(parser.parse_args(words))
    if code:
        raise TradingError(f"{name} {' '.join(words)} ended with {code}: {said.getvalue()[-600:]}")
    console.print(f"{name} {' '.join(words)}", style="dim", markup=False)
