"""Files of other people: what is read out of them, and what refuses them."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars
import pytest

from trading_core.errors import ConfigError
from trading_core.ingest.files import read_candles, read_funding
from trading_core.model import HOUR_MS, MINUTE_MS

T0 = 1_750_032_000_000
"""2025-06-16 00:00 UTC."""
NAMES = ("open_time", "open", "high", "low", "close", "volume")


def a_row(number: int, close: float = 10.0) -> tuple[Any, ...]:
    return (T0 + number * MINUTE_MS, close, close, close, close, 1.0)


def a_file(folder: Path, rows: Sequence[tuple[Any, ...]], *, name: str = "a.csv", names: Sequence[str] = NAMES) -> Path:
    frame = polars.DataFrame(rows, schema=list(names), orient="row")
    file = folder / name
    if file.suffix == ".csv":
        frame.write_csv(file)
    else:
        frame.write_parquet(file)
    return file


@pytest.mark.parametrize("name", ["a.csv", "a.parquet"])
def test_rows_are_sorted_and_keep_every_digit(tmp_path: Path, name: str) -> None:
    file = a_file(tmp_path, [a_row(1, 0.1), a_row(0, 103_456.7)], name=name)
    candles = read_candles([file], "BTC")
    assert candles.open_time_ms.tolist() == [T0, T0 + MINUTE_MS]
    assert candles.close.tolist() == [103_456.7, 0.1]


@pytest.mark.parametrize("factor", [1e-3, 1, 1_000, 1_000_000])
def test_times_may_be_in_seconds_to_nanoseconds(tmp_path: Path, factor: float) -> None:
    rows = [(int(opened * factor), *rest) for opened, *rest in map(a_row, range(3))]
    assert read_candles([a_file(tmp_path, rows)], "BTC").open_time_ms[-1] == T0 + 2 * MINUTE_MS


@pytest.mark.parametrize("texts", [("2025-06-16 00:00:00", "2025-06-16 00:01:00"),
                                   ("2025-06-16T00:00:00Z", "2025-06-16T00:01:00Z")])  # fmt: skip
def test_times_may_be_text(tmp_path: Path, texts: tuple[str, str]) -> None:
    rows = [(text, *a_row(0)[1:]) for text in texts]
    candles = read_candles([a_file(tmp_path, rows, names=("date", *NAMES[1:]))], "BTC")
    assert candles.open_time_ms.tolist() == [T0, T0 + MINUTE_MS]


def test_times_may_be_timestamps_of_parquet(tmp_path: Path) -> None:
    frame = polars.DataFrame([a_row(0), a_row(1)], schema=list(NAMES), orient="row")
    frame = frame.with_columns(polars.from_epoch("open_time", time_unit="ms").dt.cast_time_unit("ns"))
    frame.write_parquet(tmp_path / "a.parquet")
    assert read_candles([tmp_path / "a.parquet"], "BTC").open_time_ms[1] == T0 + MINUTE_MS


def test_files_that_overlap_count_equal_rows_once(tmp_path: Path) -> None:
    one = a_file(tmp_path, [a_row(0), a_row(1)])
    other = a_file(tmp_path, [a_row(1), a_row(2)], name="b.parquet")
    assert len(read_candles([one, other], "BTC").open_time_ms) == 3


def test_files_that_contradict_each_other_are_refused(tmp_path: Path) -> None:
    one, other = a_file(tmp_path, [a_row(0), a_row(1)]), a_file(tmp_path, [a_row(1, 11.0)], name="b.csv")
    with pytest.raises(ConfigError, match="duplicate"):
        read_candles([one, other], "BTC")


@pytest.mark.parametrize(
    ("row", "what"),
    [
        ((T0 + MINUTE_MS, 10.0, 9.0, 10.0, 10.0, 1.0), "breaks low"),
        ((T0 + MINUTE_MS, 0.0, 0.0, 0.0, 0.0, 1.0), "price <= 0"),
        ((T0 + MINUTE_MS, float("nan"), 10.0, 10.0, 10.0, 1.0), "is not finite"),
        ((T0 + MINUTE_MS, 10.0, 10.0, 10.0, 10.0, -1.0), "negative volume"),
        ((T0 + 1_000, *a_row(0)[1:]), "full minute"),
        ((T0 + MINUTE_MS, 10.0, 10.0, None, None, None), "row 2 has no low: the file is damaged or cut off"),
    ],
)
def test_an_invalid_row_refuses_the_file(tmp_path: Path, row: tuple[Any, ...], what: str) -> None:
    with pytest.raises(ConfigError, match=what):
        read_candles([a_file(tmp_path, [a_row(0), row], name="a.parquet")], "BTC")


def test_candles_of_five_minutes_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="the smallest step is 5 minutes"):
        read_candles([a_file(tmp_path, [a_row(0), a_row(5), a_row(10)])], "BTC")


def test_a_missing_column_is_named_with_those_there_are(tmp_path: Path) -> None:
    file = a_file(tmp_path, [(T0, 1.0)], names=("open_time", "price"))
    with pytest.raises(ConfigError, match="column open is missing; it has open_time, price"):
        read_candles([file], "BTC")


@pytest.mark.parametrize(
    ("name", "content", "what"),
    [
        ("a.csv", b"", "not readable as csv"),
        ("a.csv", b"open_time,open,high,low,close,volume\n", "holds no rows"),
        ("a.csv", b"open_time,open,high,low,close,volume\n1750032000000,a,b,c,d,e\n", "a value is no number"),
        ("a.csv", b"open_time,open,high,low,close,volume\nlater,1,1,1,1,1\n", "open_time is no time"),
        ("a.csv", b"open_time,open,high,low,close,volume\n1750032000000,1,1,1,1,1\n17500", "row 2 has no open"),
        ("a.parquet", b"PAR1 and no more", "not readable as parquet"),
        ("a.xlsx", b"", "neither .parquet nor .csv"),
    ],
)
def test_a_file_that_cannot_be_read_is_one_sentence(tmp_path: Path, name: str, content: bytes, what: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ConfigError, match=what) as refused:
        read_candles([tmp_path / name], "BTC")
    assert "\n" not in str(refused.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.csv: no such file"):
        read_candles([tmp_path / "none.csv"], "BTC")


def test_rates_are_exact_and_sorted(tmp_path: Path) -> None:
    file = a_file(tmp_path, [(T0 + HOUR_MS + 7, 0.0000125), (T0 + 11, -0.0001)], names=("time", "funding_rate"))
    rows = read_funding(file)
    assert [(row.hour_ms, row.stamp_ms) for row in rows] == [(T0, T0 + 11), (T0 + HOUR_MS, T0 + HOUR_MS + 7)]
    assert [row.rate for row in rows] == [Decimal("-0.0001"), Decimal("0.0000125")]


@pytest.mark.parametrize("rate", [1.25, -3.0, float("nan")])
def test_a_rate_that_is_no_fraction_is_refused(tmp_path: Path, rate: float) -> None:
    file = a_file(tmp_path, [(T0, rate)], names=("time", "rate"), name="a.parquet")
    with pytest.raises(ConfigError, match="no hourly fraction"):
        read_funding(file)
