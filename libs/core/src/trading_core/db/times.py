"""Between UTC milliseconds, as the domain counts, and `timestamptz`, as Postgres stores."""

from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
EARLIEST_MS, LATEST_MS = -62_135_596_800_000, 253_402_300_799_999
"""The first and the last millisecond that a `datetime` can say: years 1 to 9999."""


def utc(time_ms: int) -> datetime:
    """The `timestamptz` of UTC milliseconds, exact."""
    return EPOCH + timedelta(milliseconds=time_ms)


def millis(moment: datetime) -> int:
    """UTC milliseconds of a `timestamptz`; what is finer is cut off."""
    return (moment - EPOCH) // timedelta(milliseconds=1)
