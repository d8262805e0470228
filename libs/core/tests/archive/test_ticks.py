"""Recorded market messages: archived, deleted, put back and replayed, byte for byte."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import asyncpg
import pytest
from archive_builders import archive, digest, run, set_venue_time, store_ticks, value
from market_recording import ASSETS, START, a_recording
from msgspec.structs import replace

from trading_core import ids, messages
from trading_core.errors import ConfigError
from trading_core.market.samples import a_book
from trading_core.messages import GapMessage, MarketData
from trading_core.model import DAY_MS, MINUTE_MS
from trading_core.parity.recording import market_messages

pytestmark = pytest.mark.integration

TICKS = "trading_market_data.ticks"
COUNT = "SELECT count(*) FROM trading_market_data.ticks"
DELETE = "DELETE FROM trading_market_data.ticks"
WHOLE = ("--from", "2025-10-08", "--to", "2025-10-10")


def the_market() -> list[MarketData]:
    """A day of backfilled candles, three hours of everything, a gap, and a candle that became visible a day late."""
    recording = a_recording(7)
    market = [*recording.backfill, *(message for minute in recording.minutes for message in minute)]
    late = replace(recording.backfill[100], id="c:hl:BTC:1m:late", visible_ms=START + 26 * 60 * MINUTE_MS)
    gap = GapMessage(
        id=ids.gap("hyperliquid", "ETH", "ctx", START), exchange="hyperliquid", asset="ETH", event_time_ms=START,
        visible_ms=START + 1, channel="ctx", from_ms=START, state="open", reason="silence",
    )  # fmt: skip
    return [*market, late, gap]


@pytest.fixture
def recorded(database_url: str, login: Callable[[str], None]) -> str:
    """The market, twenty days ago in venue time. Gives the superuser's URL."""
    store_ticks(database_url, the_market())
    set_venue_time(database_url, START + 21 * DAY_MS)
    return database_url


def replayed(url: str) -> list[tuple[int, bytes]]:
    async def read() -> list[tuple[int, bytes]]:
        db = await asyncpg.connect(url)
        try:
            upto_ms = START + 2 * DAY_MS
            market = market_messages(db, ["hyperliquid"], upto_ms)
            return [(message.visible_ms, messages.encode(message)) async for message in market]
        finally:
            await db.close()

    return asyncio.run(read())


def test_a_replay_reads_the_same_bytes_in_the_same_order_after_the_messages_left(
    recorded: str, login: Callable[[str], None], role_url: Callable[[str], str]
) -> None:
    before = replayed(role_url("research"))
    login("maintenance")
    assert archive("--prune") == 0
    kinds = value(recorded, "SELECT array_agg(kind) FROM trading_market_data.ticks")
    assert kinds == ["gap"], "an old gap may be open still"
    assert replayed(role_url("research")) == before
    assert len(before) == len(the_market())


def test_a_replay_over_both_takes_each_message_once(
    recorded: str, login: Callable[[str], None], role_url: Callable[[str], str]
) -> None:
    before = replayed(role_url("research"))
    login("maintenance")
    assert archive("--prune") == 0
    login("recorder")
    assert archive("--restore", "--from", "2025-10-08", "--to", "2025-10-09") == 0
    assert replayed(role_url("research")) == before


def test_what_is_put_back_is_byte_for_byte_what_left(recorded: str, login: Callable[[str], None]) -> None:
    before = digest(recorded, TICKS)
    login("maintenance")
    assert archive("--prune") == 0
    login("recorder")
    for _ in range(2):
        assert archive("--restore", *WHOLE) == 0
        assert digest(recorded, TICKS) == before


def test_what_is_put_back_finds_its_partition_again(recorded: str, login: Callable[[str], None]) -> None:
    login("maintenance")
    assert archive("--prune") == 0
    run(recorded, f"ALTER TABLE {TICKS} DISABLE TRIGGER USER")
    run(recorded, DELETE)
    assert value(recorded, "SELECT trading_ops.drop_empty_partitions(now() - interval '4 months')") > 0
    login("recorder")
    assert archive("--restore", *WHOLE) == 0
    assert value(recorded, f"{COUNT}_default") == 0
    assert value(recorded, COUNT) == len(the_market())


def test_a_replay_names_the_day_that_the_archive_lacks(
    recorded: str, login: Callable[[str], None], role_url: Callable[[str], str], folder: Path
) -> None:
    login("maintenance")
    assert archive("--prune") == 0
    (folder / "ticks" / "hyperliquid_SOL" / "index.json").unlink()
    with pytest.raises(ConfigError, match=r"ticks hyperliquid SOL of 2025-10-08 left Postgres and is not in .*archive"):
        replayed(role_url("research"))


def test_a_row_that_the_archive_does_not_have_is_never_deleted(recorded: str, login: Callable[[str], None]) -> None:
    """A message of an archived day that came later is archived with the others before it may leave."""
    login("research")
    assert archive("--from", "2025-10-08", "--to", "2025-10-10") == 0
    late = replace(the_market()[5], id="c:hl:SOL:1m:later")
    store_ticks(recorded, [late])
    before = digest(recorded, TICKS)
    login("maintenance")
    assert archive("--prune") == 0
    login("recorder")
    assert archive("--restore", *WHOLE) == 0
    assert digest(recorded, TICKS) == before
    assert len(ASSETS) == 3


def test_books_leave_before_the_other_messages_and_a_replay_has_both(
    recorded: str, login: Callable[[str], None], role_url: Callable[[str], str]
) -> None:
    books = [a_book(START + minute * MINUTE_MS, exchange="hyperliquid", id=f"bk:{minute}") for minute in range(30)]
    store_ticks(recorded, books)
    of_books = f"{COUNT} WHERE kind = 'book'"
    before, everything = replayed(role_url("research")), len(the_market())
    # Nine days later in venue time: past the 7 days of books, and within the 14 of the others.
    run(recorded, "TRUNCATE trading_ops.watermarks")
    set_venue_time(recorded, START + 9 * DAY_MS)
    login("maintenance")
    assert archive("--prune") == 0
    assert (value(recorded, of_books), value(recorded, COUNT)) == (0, everything)
    assert replayed(role_url("research")) == before
    set_venue_time(recorded, START + 21 * DAY_MS)
    assert archive("--prune") == 0
    assert value(recorded, COUNT) == 1  # the gap, which stays
    assert replayed(role_url("research")) == before


def test_nobody_else_may_delete(recorded: str, role_url: Callable[[str], str]) -> None:
    for role in ("recorder", "research", "broker"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            run(role_url(role), DELETE)
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="append-only"):
        run(recorded, DELETE)
