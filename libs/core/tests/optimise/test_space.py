"""What `--param` spans, and the one line for what spans nothing."""

import pytest

from trading_core.errors import ConfigError
from trading_core.optimise.space import parse_space


def test_a_range_has_both_ends_and_exact_decimals() -> None:
    [axis] = parse_space(["threshold=0.05:0.20:0.01"]).axes
    assert axis.values() == [
        0.05,
        0.06,
        0.07,
        0.08,
        0.09,
        0.1,
        0.11,
        0.12,
        0.13,
        0.14,
        0.15,
        0.16,
        0.17,
        0.18,
        0.19,
        0.2,
    ]


def test_a_range_ends_before_a_bound_that_no_step_meets() -> None:
    assert parse_space(["x=1:2:0.4"]).axes[0].values() == [1.0, 1.4, 1.8]


def test_whole_numbers_stay_whole() -> None:
    values = parse_space(["timeout_m=30:120:15"]).axes[0].values()
    assert values == [30, 45, 60, 75, 90, 105, 120]
    assert all(type(value) is int for value in values)
    assert all(type(value) is float for value in parse_space(["x=1:2:0.5"]).axes[0].values())


def test_lists_and_single_values_read_as_in_the_configuration() -> None:
    assert parse_space(["take_profit=0.02, 0.04,null"]).axes[0].values() == [0.02, 0.04, None]
    assert parse_space(["sizing=stop_risk"]).axes[0].values() == ["stop_risk"]


def test_every_set_has_a_number_and_the_last_parameter_changes_fastest() -> None:
    space = parse_space(["a=1,2,3", "b=10:40:10"])
    assert space.size == 12
    assert [space.params(number) for number in (0, 1, 4, 11)] == [
        {"a": 1, "b": 10},
        {"a": 1, "b": 20},
        {"a": 2, "b": 10},
        {"a": 3, "b": 40},
    ]
    assert [space.number(space.places(number)) for number in range(12)] == list(range(12))


def test_a_range_of_a_billion_values_is_only_counted() -> None:
    space = parse_space(["x=0:1:0.000000001"])
    assert space.size == 1_000_000_001
    assert space.params(1_000_000_000) == {"x": 1.0}


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("threshold", "has no values"),
        ("threshold=", "has no values"),
        ("threshold=0.1:0.2", "a range needs three numbers"),
        ("threshold=0.1::0.01", "a range needs three numbers"),
        ("threshold=0.1:0.2:", "a range needs three numbers"),
        ("threshold=0.1:0.2:0", "the step 0 must be above 0"),
        ("threshold=0.1:0.2:-0.01", "the step -0.01 must be above 0"),
        ("threshold=0.2:0.1:0.01", "0.2 lies above 0.1"),
        ("threshold=a:b:c", "'a' is no number"),
        ("threshold=0:inf:1", "'inf' is no number"),
        ("threshold=0:1e99:1", "'1e99' is no number"),
        ("threshold=1,,2", "'' is no value"),
        ("threshold=1,1", "stands there twice"),
        ("threshold={a", "is no value"),
    ],
)
def test_what_spans_nothing_is_said_in_one_line(text: str, line: str) -> None:
    with pytest.raises(ConfigError) as raised:
        parse_space([text])
    assert line in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_parameter_given_twice_is_refused() -> None:
    with pytest.raises(ConfigError, match="--param a is given 2 times"):
        parse_space(["a=1", "b=1", "a=2"])
