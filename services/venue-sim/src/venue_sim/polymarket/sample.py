"""The recorded books of the 5-minute markets as arrays: the denser token of each market is served as Up."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

from trading_core.errors import ConfigError

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Level = tuple[float, float]
WON = 0.99
NEVER_TRADED = "0.5"
"""What the venue says the last price of such a token is."""
SIDES = ("bid_px", "bid_sz", "ask_px", "ask_sz")


@dataclass(frozen=True)
class Window:
    """One recorded market; its books are the rows `rows` of the sample, in order of time."""

    condition_id: str
    start_ms: int
    end_ms: int
    rows: Ints
    up_won: bool
    last_price: str
    fine_from: int | None
    """The first row with a price of three decimals: from it on the tick is a tenth of a cent."""


@dataclass(frozen=True)
class BookSample:
    """Times are those of the recording. `values[side]` holds all levels of all rows, best first."""

    times_ms: Ints
    offsets: dict[str, Ints]
    values: dict[str, Floats]
    windows: tuple[Window, ...]

    @property
    def first_ms(self) -> int:
        return self.windows[0].start_ms

    @property
    def period_ms(self) -> int:
        """Length of the recording: its windows follow one another without a hole."""
        return self.windows[-1].end_ms - self.first_ms

    def levels(self, row: int) -> tuple[list[Level], list[Level]]:
        """Bids and asks of the Up token after row `row`, best first."""
        cut = {side: slice(self.offsets[side][row], self.offsets[side][row + 1]) for side in SIDES}
        bid_px, bid_sz, ask_px, ask_sz = (self.values[side][cut[side]].tolist() for side in SIDES)
        return list(zip(bid_px, bid_sz, strict=True)), list(zip(ask_px, ask_sz, strict=True))


def load(folder: Path, every_ms: int) -> BookSample | None:
    """The books in `folder`, of each market the newest of every `every_ms` (0: all); None when there are none.

    Who won is what the last book of the market says, of whichever of its two tokens that was recorded.
    ConfigError when the files cannot be meant: windows with a hole between them, a market without a result.
    """
    path = folder / "polymarket" / "book_btc_updown_5m.parquet"
    if not path.is_file():
        return None
    markets = pl.read_parquet(path.with_name("book_btc_updown_5m_markets.parquet"))
    dense = markets.sort("updates").group_by("slug").agg(pl.all().last()).sort("window_start_ms")
    books = pl.read_parquet(path).join(dense.select("token_id"), on="token_id", how="semi").sort("time")
    if every_ms:
        slot = (pl.col("time") // every_ms).alias("slot")
        books = books.with_columns(slot).unique(["token_id", "slot"], keep="last", maintain_order=True).sort("time")
    starts, ends = dense["window_start_ms"].to_list(), dense["window_end_ms"].to_list()
    if starts[1:] != ends[:-1]:
        raise ConfigError(f"{path} must hold windows that follow one another without a hole.")
    offsets, values = {}, {}
    for side in SIDES:
        offsets[side] = np.concatenate(([0], np.cumsum(books[side].list.len().to_numpy().astype(np.int64))))
        values[side] = books[side].list.explode(empty_as_null=False).drop_nulls().to_numpy()
    tokens = books["token_id"].to_numpy()
    finer = pl.element() != pl.element().round(2)
    has_finer = [pl.col(side).list.eval(finer).list.any() for side in ("bid_px", "ask_px")]
    is_fine = books.select(pl.any_horizontal(has_finer)).to_series().fill_null(False).to_numpy()
    windows = []
    for row in dense.iter_rows(named=True):
        rows = np.flatnonzero(tokens == row["token_id"])
        final = markets.filter(pl.col("slug") == row["slug"]).sort("last_time").row(-1, named=True)
        bid, ask = final["final_best_bid"], final["final_best_ask"]
        has_won, has_lost = bid is not None and bid >= WON, ask is not None and ask <= 1 - WON + 1e-9
        if has_won == has_lost:
            raise ConfigError(f"{path}: the last book of {row['slug']} does not say who won.")
        fine = rows[is_fine[rows]]
        last = row["final_last_trade"]
        windows.append(
            Window(
                condition_id=row["condition_id"],
                start_ms=row["window_start_ms"],
                end_ms=row["window_end_ms"],
                rows=rows,
                up_won=has_won == (final["token_id"] == row["token_id"]),
                last_price=NEVER_TRADED if last is None else decimal_text(last),
                fine_from=int(fine[0]) if len(fine) else None,
            )
        )
    return BookSample(books["time"].to_numpy(), offsets, values, tuple(windows))


def decimal_text(value: float) -> str:
    """A recorded number as the venue prints it: no exponent, no trailing `.0`."""
    text = repr(value)
    return text[:-2] if text.endswith(".0") else text
