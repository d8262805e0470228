"""Four prints per candle: the only trades that can be told from a recorded 1m candle."""

from __future__ import annotations

OFFSETS_MS = (0, 20_000, 40_000, 59_500)
PER_MINUTE = len(OFFSETS_MS)


def prices(open_: float, high: float, low: float, close: float) -> tuple[float, float, float, float]:
    """Open, the extreme nearer the open (the high when both are equally near), the other one, close."""
    first, second = (high, low) if high - open_ <= open_ - low else (low, high)
    return open_, first, second, close


def sizes(lots: int) -> tuple[int, int, int, int]:
    """A candle's volume over its prints in whole lots; the last one takes the remainder."""
    part = lots // PER_MINUTE
    return part, part, part, lots - 3 * part


def decimal(lots: int, decimals: int) -> str:
    """`lots` steps of 10^-decimals as the venue prints a size: no exponent, at least one decimal."""
    whole, part = divmod(lots, 10**decimals)
    return f"{whole}.{part:0{decimals}d}".rstrip("0").ljust(len(str(whole)) + 2, "0")


def rate(value: float) -> str:
    """A rate without an exponent: 1.25e-05 is printed as 0.0000125."""
    text = f"{value:.12f}".rstrip("0")
    return text + "0" if text.endswith(".") else text
