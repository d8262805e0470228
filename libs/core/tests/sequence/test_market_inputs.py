"""What of the market reaches the broker: the same from the streams and from a recording."""

from decimal import Decimal

from message_builders import T0, a_mark

from trading_core import streams
from trading_core.broker.inputs import Mark, MarketPoll, OrderBook, Resolution
from trading_core.messages import BookMessage, ProbMessage, ResolvedMessage
from trading_core.sequence.minute import DECIDED_UPON, market_input

BOOK = BookMessage(
    id="bk", exchange="polymarket", asset="BTC", event_time_ms=T0, visible_ms=T0, market="0xab", book_time_ms=T0 - 5,
    bids=(("0.2", "1"),), asks=(("0.3", "2"),), tick_size="0.01",
)  # fmt: skip
POLL = ProbMessage(
    id="p", exchange="polymarket", asset="BTC", event_time_ms=T0, visible_ms=T0, market="0xab", slug="s", title="t",
    end_time_ms=T0 + 9, yes_token="y", no_token="n", bid="0.2", ask="0.3", fee_rate="0.07", min_size="5",  # noqa: S106
)  # fmt: skip
RESULT = ResolvedMessage(
    id="r", exchange="polymarket", asset="BTC", event_time_ms=T0, visible_ms=T0, market="0xab", yes_payout="0.5"
)


def test_a_book_a_poll_and_a_result_become_inputs_of_their_market() -> None:
    book, poll, result = (market_input(message, T0 + 1) for message in (BOOK, POLL, RESULT))
    assert isinstance(book, OrderBook)
    assert (book.instrument, book.asks, book.book_time_ms, book.visible_ms) == ("0xab", BOOK.asks, T0 - 5, T0 + 1)
    assert isinstance(poll, MarketPoll)
    assert (poll.instrument, poll.fee_rate, poll.min_size, poll.end_time_ms) == ("0xab", "0.07", "5", T0 + 9)
    assert isinstance(result, Resolution)
    assert result.yes_payout == Decimal("0.5")


def test_the_book_of_a_coin_is_of_the_coin() -> None:
    told = BookMessage(
        id="bk", exchange="hyperliquid", asset="ETH", event_time_ms=T0, visible_ms=T0, book_time_ms=T0, bids=(), asks=()
    )
    book = market_input(told, T0)
    assert isinstance(book, OrderBook)
    assert book.instrument == "ETH"


def test_everything_the_broker_decides_upon_is_read_from_recordings_too() -> None:
    for message in (a_mark(T0), BOOK, POLL, RESULT):
        assert isinstance(message, DECIDED_UPON)
    assert isinstance(market_input(a_mark(T0), T0), Mark)


def test_the_broker_reads_books_of_coins_only_where_it_fills_by_them() -> None:
    plain = streams.broker_filters(("hyperliquid",))
    assert plain.book == ("book.hyperliquid._.watermark",)
    both = streams.broker_filters(("hyperliquid", "polymarket"), {"hyperliquid"})
    assert both.book == ("book.hyperliquid.*", "book.hyperliquid._.watermark", "book.polymarket.*.*")
    assert set(both.market) == {
        "market.hyperliquid.*.ctx", "market.hyperliquid.*.funding", "market.polymarket.*.prob.*",
        "market.polymarket.*.resolved.*", "market.hyperliquid._.watermark", "market.polymarket._.watermark",
    }  # fmt: skip
