"""Fills by the recorded book: level by level, what was taken is gone, and what happens where the book ends."""

from decimal import Decimal
from typing import Any

import msgspec
from broker_builders import Desk, a_mark, a_rule_book, a_signal
from prediction_builders import a_coin_book

from trading_core.broker.book import dump, load
from trading_core.broker.events import Fill, PositionState
from trading_core.broker.inputs import MarkToMarket

BY_BOOK = {"hyperliquid": {"fill_model": "book"}}
BIDS = (("2499.5", "0.05"), ("2499", "1"))
ASKS = (("2500.5", "0.05"), ("2501", "1"))


def a_desk(**rules: Any) -> Desk:
    return Desk(a_rule_book(exchanges=BY_BOOK, **rules))


def fills_of(desk: Desk) -> list[tuple[Decimal, Decimal]]:
    return [(fill.price, fill.quantity) for fill in desk.all(Fill)]


def test_an_entry_takes_level_after_level_without_slippage() -> None:
    desk = a_desk()
    desk.apply(a_mark(2500.0, asset="ETH"), a_coin_book(BIDS, ASKS), a_signal("LONG", price=2500.0, asset="ETH"))
    # A stake of 200: 0.05 x 2500.5 = 125.025 from the first level; 74.975 / 2501 = 0.02997… from the second.
    assert fills_of(desk) == [(Decimal("2500.5"), Decimal("0.05")), (Decimal(2501), Decimal("0.0299"))]
    first, second = desk.all(Fill)
    assert (first.event_id, second.event_id) == (f"fl:{first.order_id}:1", f"fl:{first.order_id}:2")
    assert {first.book_event_id, second.book_event_id} == {a_coin_book(BIDS, ASKS).event_id}
    # 125.025 x 0.0005 = 0.0625125, half even; 74.7799 x 0.0005 = 0.03738995.
    assert (first.fee, second.fee) == (Decimal("0.062512"), Decimal("0.037390"))
    position = desk.last(PositionState)
    assert position.entry_notional == Decimal("199.8049")
    # 199.8049 / 0.0799 = 2500.687108886…
    assert position.entry_price == Decimal("2500.68710889")
    assert position.fees == Decimal("0.099902")
    # 199.8049 - 0.0799 x 2500
    assert position.slippage_cost == Decimal("0.054900")


def test_a_short_sells_to_the_bids_and_stops_at_a_level_it_does_not_exhaust() -> None:
    desk = a_desk()
    desk.apply(a_mark(2500.0, asset="ETH"), a_coin_book(BIDS, ASKS), a_signal("SHORT", price=2500.0, asset="ETH"))
    # 0.05 x 2499.5 = 124.975; 75.025 / 2499 = 0.03002…
    assert fills_of(desk) == [(Decimal("2499.5"), Decimal("0.05")), (Decimal(2499), Decimal("0.0300"))]


def test_profit_comes_from_the_fills_and_not_from_their_average() -> None:
    desk = a_desk()
    desk.apply(a_mark(2500.0, asset="ETH"), a_coin_book(BIDS, ASKS), a_signal("LONG", price=2500.0, asset="ETH"))
    book = a_coin_book((("2599", "0.01"), ("2598.5", "7")), (("2601", "1"),), 1)
    desk.apply(book, a_mark(2601.0, 1, asset="ETH"))
    # 0.01 x 2599 + 0.0699 x 2598.5 - 199.8049 = 25.99 + 181.63515 - 199.8049
    [closed] = desk.closed()
    assert closed.gross_pnl == Decimal("7.820250")
    assert closed.exit_reason == "take_profit"
    assert not closed.suspect


def test_what_was_taken_is_gone_until_the_book_changes() -> None:
    desk = a_desk()
    told_again = msgspec.structs.replace(
        a_coin_book(BIDS, ASKS, 0.1), book_time_ms=a_coin_book(BIDS, ASKS).book_time_ms
    )
    desk.apply(a_mark(2500.0, asset="ETH"), a_coin_book(BIDS, ASKS))
    desk.apply(a_signal("LONG", price=2500.0, asset="ETH", strategy="a"), told_again)
    desk.apply(a_signal("LONG", price=2500.0, asset="ETH", strategy="b"))
    assert [price for price, _ in fills_of(desk)] == [Decimal("2500.5"), Decimal(2501), Decimal(2501)]
    desk.apply(a_coin_book(BIDS, ASKS, 0.2), a_signal("LONG", price=2500.0, asset="ETH", strategy="c"))
    assert fills_of(desk)[3] == (Decimal("2500.5"), Decimal("0.05"))


def test_what_the_depth_does_not_cover_stays_unbought() -> None:
    desk = a_desk()
    desk.apply(a_mark(2500.0, asset="ETH"), a_coin_book(BIDS, (("2500.5", "0.05"),)))
    assert desk.decide(a_signal("LONG", price=2500.0, asset="ETH")).decision == "opened"
    assert desk.last(PositionState).quantity == Decimal("0.05")
    # The level is empty now.
    assert desk.decide(a_signal("LONG", price=2500.0, asset="ETH", strategy="b")).reason == "too_small"


def test_an_exit_beyond_the_depth_fills_worse_than_the_last_level_and_is_suspect() -> None:
    desk = a_desk()
    desk.apply(a_mark(2500.0, asset="ETH"), a_coin_book(BIDS, ASKS), a_signal("LONG", price=2500.0, asset="ETH"))
    desk.apply(a_coin_book((("2450", "0.02"),), (), 1), a_mark(2450.0, 1, asset="ETH"))
    # The stop. 0.02 at 2450; the other 0.0599 at 2450 x 0.9995 = 2448.775, down to the tick of 0.1.
    assert fills_of(desk)[2:] == [(Decimal(2450), Decimal("0.02")), (Decimal("2448.7"), Decimal("0.0599"))]
    assert desk.all(Fill)[-1].book_event_id is None
    [closed] = desk.closed()
    assert (closed.exit_reason, closed.suspect) == ("stop_loss", True)
    # (49 + 146.67713) / 0.0799 = 2449.02540675…
    assert closed.exit_price == Decimal("2449.02540676")


def test_an_exit_into_an_empty_side_is_made_worse_than_its_reference_and_suspect() -> None:
    desk = a_desk()
    desk.apply(a_mark(2500.0, asset="ETH"), a_coin_book(BIDS, ASKS), a_signal("LONG", price=2500.0, asset="ETH"))
    desk.apply(a_coin_book((), ASKS, 1), a_mark(2450.0, 1, asset="ETH"))
    assert fills_of(desk)[2:] == [(Decimal("2448.7"), Decimal("0.0799"))]
    assert desk.closed()[0].suspect


def test_a_missing_or_old_book_leads_to_fixed_fills() -> None:
    desk = a_desk()
    desk.apply(a_mark(2500.0, asset="ETH"), a_signal("LONG", price=2500.0, asset="ETH", strategy="a"))
    assert fills_of(desk) == [(Decimal("2501.3"), Decimal("0.0799"))]
    desk.apply(a_coin_book(BIDS, ASKS, 1), a_mark(2500.0, 70 / 60, asset="ETH"))
    # Ten seconds old: still good. A moment later it is not.
    desk.apply(a_signal("LONG", 70 / 60, price=2500.0, asset="ETH", strategy="b"))
    assert fills_of(desk)[1][0] == Decimal("2500.5")
    desk.apply(a_signal("LONG", 70.001 / 60, price=2500.0, asset="ETH", strategy="c"))
    assert fills_of(desk)[-1] == (Decimal("2501.3"), Decimal("0.0799"))


def test_a_strategy_may_fill_by_the_book_alone() -> None:
    desk = Desk(a_rule_book({"beta": {"fill_model": "book"}}))
    desk.apply(a_mark(2500.0, asset="ETH"), a_coin_book(BIDS, ASKS))
    desk.apply(a_signal("LONG", price=2500.0, asset="ETH", strategy="alpha"))
    assert desk.last(Fill).book_event_id is None
    desk.apply(a_signal("LONG", price=2500.0, asset="ETH", strategy="beta"))
    assert desk.last(Fill).book_event_id is not None


def test_books_of_coins_are_not_even_held_when_nobody_fills_by_them() -> None:
    desk = Desk()
    desk.apply(a_coin_book(BIDS, ASKS))
    assert not desk.book.depths


def test_an_older_book_never_replaces_a_newer_one() -> None:
    desk = a_desk()
    desk.apply(a_coin_book(BIDS, ASKS, 1), a_coin_book((), (), 0.5))
    assert desk.book.depths["hyperliquid:ETH"].asks == ASKS


def test_a_fixed_quantity_walks_the_book_too() -> None:
    desk = a_desk(sizing="fixed", fixed_quantity="0.06")
    desk.apply(a_mark(2500.0, asset="ETH"), a_coin_book(BIDS, ASKS), a_signal("LONG", price=2500.0, asset="ETH"))
    assert fills_of(desk) == [(Decimal("2500.5"), Decimal("0.05")), (Decimal(2501), Decimal("0.01"))]
    assert desk.last(PositionState).stake == Decimal("150.035000")


def test_a_stored_book_remembers_what_was_taken() -> None:
    desk = a_desk()
    desk.apply(a_mark(2500.0, asset="ETH"), a_coin_book(BIDS, ASKS), a_signal("LONG", price=2500.0, asset="ETH"))
    again = load(dump(desk.book))
    assert again.depths == desk.book.depths
    assert again.depths["hyperliquid:ETH"].taken_asks == {"2500.5": Decimal("0.05"), "2501": Decimal("0.0299")}


def test_a_checkpoint_from_before_there_were_books_can_be_read() -> None:
    desk = Desk()
    desk.open_long()
    desk.apply(MarkToMarket(a_mark(0, 1).event_time_ms))
    stored = msgspec.json.decode(dump(desk.book))
    assert stored["marks"]["hyperliquid:BTC"].keys() == {"price", "event_id", "event_time_ms", "visible_ms", "before"}
    del stored["depths"], stored["terms"]
    assert load(msgspec.json.encode(stored)) == desk.book
