from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from recorder.visibility import KEPT, Visibility

Reading = tuple[bool, int]
"""(is a watermark, its value or the stamp of a message)"""


def read(visibility: Visibility, readings: list[Reading], first: int = 1) -> list[int]:
    answers: list[int] = []
    for number, (is_watermark, value) in enumerate(readings, start=first):
        place = (number * 10, number)
        if is_watermark:
            visibility.note("hyperliquid", value, place)
        else:
            answers.append(visibility.of("hyperliquid", value, place))
    return answers


def test_a_message_is_visible_after_the_last_watermark_before_it() -> None:
    readings = [(False, 5), (True, 100), (False, 50), (False, 500), (True, 200), (False, 150)]
    assert read(Visibility({}), readings) == [5, 101, 500, 201]


def test_another_exchange_does_not_count() -> None:
    visibility = Visibility({})
    visibility.note("polymarket", 100, (1, 1))
    assert visibility.of("hyperliquid", 5, (2, 2)) == 5


def test_what_is_committed_counts_after_a_restart() -> None:
    assert read(Visibility({"hyperliquid": 100}), [(False, 50)]) == [101]


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 1_000)), max_size=40), st.data())
def test_a_message_that_is_read_again_gets_the_same_answer(readings: list[Reading], data: st.DataObject) -> None:
    visibility = Visibility({})
    once = read(visibility, readings)
    start = data.draw(st.integers(0, len(readings)))
    before = sum(not is_watermark for is_watermark, _ in readings[:start])
    assert read(visibility, readings[start:], first=start + 1) == once[before:]


def test_memory_is_bounded() -> None:
    visibility = Visibility({})
    for number in range(3 * KEPT):
        visibility.note("hyperliquid", number, (number, number))
    assert len(visibility._watermarks["hyperliquid"]) <= KEPT
    assert visibility.of("hyperliquid", 0, (4 * KEPT, 0)) == 3 * KEPT
