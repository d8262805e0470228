"""Rule set R1, case rsi, in backtesting.py: a year of bars from a file to its statistics, as its user would.

Runs in the comparison's environment `bt`, not in ours: python peer_backtesting.py BTC_1m.parquet
"""

from __future__ import annotations

import sys
import warnings
from typing import Any

import numpy as np
import pandas as pd
from backtesting import Backtest, Strategy

WINDOW, LOWER, UPPER, STOP, TARGET, TIMEOUT, WARM_UP = 14, 25.0, 75.0, 0.02, 0.04, 60, 2_000


def rsi_of_5m(closes: Any) -> Any:
    """Wilder's RSI of 5m closes, at the bar that completes each; nan elsewhere."""
    found = np.full(len(closes), np.nan)
    five = np.asarray(closes)[4::5]
    change = np.diff(five)
    ups, downs = np.maximum(change, 0.0), np.maximum(-change, 0.0)
    up, down = ups[:WINDOW].mean(), downs[:WINDOW].mean()
    for number in range(WINDOW, len(five)):
        if number > WINDOW:
            up = (up * (WINDOW - 1) + ups[number - 1]) / WINDOW
            down = (down * (WINDOW - 1) + downs[number - 1]) / WINDOW
        found[5 * number + 4] = 100 * up / (up + down) if up + down else 50.0
    return found


class Rsi(Strategy):  # type: ignore[misc]  # the library is not in our environment
    def init(self) -> None:
        self.rsi = self.I(rsi_of_5m, self.data.Close, plot=False)

    def next(self) -> None:
        bar = len(self.data) - 1
        for trade in self.trades:
            if bar - trade.entry_bar >= TIMEOUT - 1:
                trade.close()
        if self.trades or self.orders or bar < WARM_UP or bar % 5 != 4:
            return
        rsi, close = self.rsi[-1], self.data.Close[-1]
        side = int(rsi < LOWER) - int(rsi > UPPER)
        if side:
            enter = self.buy if side > 0 else self.sell
            enter(size=1, sl=round(close * (1 - side * STOP), 1), tp=round(close * (1 + side * TARGET), 1))


def main(file: str) -> None:
    warnings.filterwarnings("ignore")
    frame = pd.read_parquet(file)
    frame.index = pd.to_datetime(frame.pop("ts"), unit="ms")
    frame.columns = [name.capitalize() for name in frame.columns]
    print(Backtest(frame, Rsi, cash=10_000_000, commission=0.001, finalize_trades=True).run())


if __name__ == "__main__":
    main(sys.argv[1])
