"""The optional rules: sizing by a fixed quantity, ticks, levels on the tick, opposite signals, what cools down."""

from decimal import Decimal
from typing import Any

import msgspec
import pytest
from broker_builders import SECOND_MS, Desk, a_mark, a_rule_book, a_signal, at

from trading_core.broker.book import LastClose
from trading_core.broker.events import Decision, Fill
from trading_core.broker.inputs import Timeouts
from trading_core.broker.rules import Rules
from trading_core.errors import ConfigError

FREE = {"hyperliquid": {"slippage": "0", "taker_fee": "0.001"}}


def test_a_fixed_quantity_is_bought_whatever_the_equity() -> None:
    desk = Desk(a_rule_book(sizing="fixed", fixed_quantity="0.0123456", exchanges=FREE))
    position = desk.open_long(80_000.0)
    # Five places for BTC; 0.01234 x 80000 = 987.2 planned, a thousandth of it the fee.
    assert (position.quantity, position.stake, position.fees) == (
        Decimal("0.01234"), Decimal("987.200000"), Decimal("0.987200"),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("quantity", "reason"),
    [
        ("0.0626", "max_exposure"),  # x 80000 = 5008, half of 10000 is 5000
        ("0.0625", None),  # exactly 5000 passes
        ("0.0001", "too_small"),  # 8 USD, below min_notional
        ("0.000009", "too_small"),  # nothing is left on the size step
    ],
)
def test_the_checks_hold_for_a_fixed_quantity_too(quantity: str, reason: str | None) -> None:
    desk = Desk(a_rule_book(sizing="fixed", fixed_quantity=quantity, exchanges=FREE))
    desk.apply(a_mark(80_000.0))
    assert desk.decide(a_signal()).reason == reason


def test_a_fixed_quantity_needs_a_price() -> None:
    rules = a_rule_book(
        sizing="fixed", fixed_quantity="1", exchanges={"hyperliquid": {"slippage": "1", "min_notional": None}}
    )
    desk = Desk(rules)
    desk.apply(a_mark(80_000.0))
    assert desk.decide(a_signal("SHORT")).reason == "too_small"


def test_sizing_by_a_fixed_quantity_needs_one() -> None:
    with pytest.raises(ConfigError, match=r"^broker: sizing fixed needs a fixed_quantity, got none\. Set"):
        a_rule_book(sizing="fixed")
    with pytest.raises(ConfigError, match=r"^strategies\.alpha\.rules: sizing fixed needs"):
        a_rule_book({"alpha": {"sizing": "fixed"}})
    assert a_rule_book({"alpha": {"sizing": "fixed", "fixed_quantity": "1"}})


@pytest.mark.parametrize(
    ("tick_size", "bought", "sold"),
    [
        # 80001 x 1.0005 = 80041.0005 and x 0.9995 = 79960.9995
        ("0.1", "80041.1", "79960.9"),
        ("0.05", "80041.05", "79960.95"),
        ("2.5", "80042.5", "79960.0"),
        ("0.3", "80041.2", "79960.8"),  # no power of ten: 266804 and 266536 steps
    ],
)
def test_a_tick_of_ones_own_rounds_against_the_trader(tick_size: str, bought: str, sold: str) -> None:
    desk = Desk(a_rule_book(exchanges={"hyperliquid": {"tick_size": tick_size}}))
    desk.apply(a_mark(80_001.0), a_signal("LONG", price=80_001.0), a_signal("SHORT", price=80_001.0, strategy="beta"))
    assert [str(fill.price) for fill in desk.all(Fill)] == [bought, sold]


def test_levels_on_the_tick_are_the_nearest_ones() -> None:
    broker: dict[str, Any] = {"levels": "tick", "exchanges": {"hyperliquid": {"slippage": "0", "tick_size": "0.1"}}}
    long = Desk(a_rule_book(**broker)).open_long(80_001.2)
    # x 0.98 = 78401.176, x 1.04 = 83201.248
    assert (long.stop_price, long.target_price) == (Decimal("78401.2"), Decimal("83201.2"))
    short = Desk(a_rule_book(**broker)).open_short(80_001.2)
    # x 1.02 = 81601.224, x 0.96 = 76801.152
    assert (short.stop_price, short.target_price) == (Decimal("81601.2"), Decimal("76801.2"))


def test_a_level_halfway_between_two_ticks_goes_to_the_even_one() -> None:
    broker: dict[str, Any] = {"levels": "tick", "exchanges": {"hyperliquid": {"slippage": "0", "tick_size": "0.1"}}}
    # 80002.5 x 0.98 = 78402.45: 784024 tenths, not 784025.
    assert Desk(a_rule_book(**broker)).open_long(80_002.5).stop_price == Decimal("78402.4")


def test_levels_on_the_venues_tick_follow_its_step_at_that_price() -> None:
    desk = Desk(a_rule_book(levels="tick", stop_loss="0.0203", exchanges={"hyperliquid": {"slippage": "0"}}))
    # ETH at 1020: x 0.9797 = 999.294 where the step is 0.01, x 1.04 = 1060.8 where it is 0.1.
    position = desk.open_long(1_020.0, asset="ETH")
    assert (str(position.stop_price), str(position.target_price)) == ("999.29", "1060.8")


def test_an_ignored_opposite_signal_finds_the_position_open() -> None:
    desk = Desk(a_rule_book(opposite_signal="ignore"))
    opened = desk.open_long()
    decision = desk.decide(a_signal("SHORT", 1))
    assert (decision.decision, decision.reason, decision.acted_on) == ("rejected", "already_open", False)
    assert list(desk.book.positions) == [opened.position_id]
    assert desk.decide(a_signal("CLOSE", 1)).decision == "closed"


def test_an_opposite_signal_may_only_close() -> None:
    desk = Desk(a_rule_book(opposite_signal="close", cooldown_s=0))
    opened = desk.open_long()
    decision = desk.decide(a_signal("SHORT", 1))
    assert (decision.decision, decision.reason, decision.acted_on) == ("closed", None, True)
    assert (decision.closed_position, decision.position_id) == (opened.position_id, None)
    assert [position.exit_reason for position in desk.closed()] == ["signal"]
    assert not desk.book.positions
    desk.apply(a_mark(80_000.0, 2))
    assert desk.decide(a_signal("SHORT", 2)).decision == "opened"


def test_an_opposite_signal_that_only_closes_opens_where_nothing_is_open() -> None:
    desk = Desk(a_rule_book(opposite_signal="close"))
    desk.apply(a_mark(80_000.0))
    assert desk.decide(a_signal("SHORT")).decision == "opened"
    assert desk.decide(a_signal("SHORT")).reason == "already_open"


def timed_out(desk: Desk, price: float) -> None:
    """A LONG opened at 80000 in minute 0 that times out an hour later at `price`, free of costs."""
    desk.open_long(80_000.0)
    desk.apply(a_mark(price, 60), Timeouts(at(60)))
    assert desk.closed()[-1].exit_reason == "timeout"


@pytest.mark.parametrize(
    ("after", "price", "reason"),
    [
        ("loss", 80_100.0, None),
        ("loss", 79_900.0, "cooldown"),
        ("timeout", 80_100.0, "cooldown"),
        ("timeout", 79_900.0, "cooldown"),
        ("any", 80_100.0, "cooldown"),
    ],
)
def test_what_a_timeout_makes_wait_for(after: str, price: float, reason: str | None) -> None:
    free = {"hyperliquid": {"slippage": "0", "taker_fee": "0"}}
    desk = Desk(a_rule_book(cooldown_after=after, cooldown_s=60, exchanges=free))
    timed_out(desk, price)
    assert desk.decide(a_signal(minute=60, price=price)).reason == reason
    # Exactly cooldown_s later it is over.
    assert desk.decide(a_signal(minute=61, price=price)).reason == (None if reason else "already_open")


def test_a_loss_by_the_stop_is_no_timeout() -> None:
    desk = Desk(a_rule_book(cooldown_after="timeout"))
    desk.open_long(80_000.0)
    desk.apply(a_mark(70_000.0, 5))
    assert desk.closed()[-1].exit_reason == "stop_loss"
    assert desk.decide(a_signal(minute=5, price=70_000.0)).decision == "opened"


def test_cooling_down_after_any_close_counts_gains_too() -> None:
    desk = Desk(a_rule_book(cooldown_after="any"))
    desk.open_long(80_000.0)
    desk.apply(a_mark(90_000.0, 5))
    assert desk.closed()[-1].exit_reason == "take_profit"
    in_time = a_signal(minute=5, price=90_000.0, applied_ms=at(5) + 1 * SECOND_MS)
    assert desk.decide(in_time).reason == "cooldown"


def test_rules_that_are_not_used_are_not_written() -> None:
    """What is stored and sent stays as it was for those who leave the optional rules alone."""
    desk = Desk()
    desk.open_long()
    written = msgspec.json.decode(msgspec.json.encode(desk.last(Decision).rules))
    optional = {"fixed_quantity", "tick_size", "levels", "opposite_signal", "cooldown_after"}
    assert optional < set(Rules.__struct_fields__)
    assert not optional & set(written)
    assert msgspec.convert(written, Rules, strict=False) == desk.last(Decision).rules
    assert b"timed_out" not in msgspec.json.encode(LastClose("p", 0, Decimal(1)))
    tight = a_rule_book(levels="tick").rules_for("alpha", "hyperliquid")
    assert msgspec.to_builtins(tight)["levels"] == "tick"
