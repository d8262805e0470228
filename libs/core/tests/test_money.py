"""The door between floats and the ledger, and the arithmetic behind it."""

from decimal import Decimal, getcontext, localcontext

import pytest
from broker_builders import a_mark, a_rule_book, a_signal
from hypothesis import given
from hypothesis import strategies as st

from trading_core.broker.apply import apply
from trading_core.broker.book import new_book
from trading_core.money import exact, from_micros, plain, to_micros, usd


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_float_becomes_the_decimal_that_was_printed(value: float) -> None:
    assert str(exact(value)) == str(Decimal(repr(value)))


def test_zeros_keep_their_sign_whichever_was_asked_for_first() -> None:
    assert [str(exact(value)) for value in (0.0, -0.0, 0.0)] == ["0.0", "-0.0", "0.0"]


@pytest.mark.parametrize("amount", ["-0", "-0.0000001", "0", "0.0000005"])
def test_nothing_in_the_ledger_has_no_sign(amount: str) -> None:
    assert plain(usd(Decimal(amount))) == "0.000000"


@given(st.integers(-(10**30), 10**30))
def test_an_amount_of_the_ledger_is_the_same_from_its_millionths_whatever_the_callers_context(amount: int) -> None:
    with localcontext() as callers:
        callers.prec = 5
        assert to_micros(from_micros(amount)) == amount
        assert plain(from_micros(1_234_567_890)) == "1234.567890"


def test_a_whole_number_is_taken_as_a_float() -> None:
    assert str(exact(7)) == "7.0"
    assert str(exact(7.0)) == "7.0"


def test_the_callers_decimal_context_is_back_afterwards_whatever_happens() -> None:
    rules = a_rule_book()
    with localcontext() as callers:
        callers.prec = 5
        apply(new_book(rules), rules, a_mark(80_000.0))
        assert getcontext() is callers
        book = new_book(rules)
        apply(book, rules, a_mark(80_000.0))
        with pytest.raises(ValueError, match="never decided"):
            apply(book, rules, a_signal("PASS"))
        assert getcontext() is callers
