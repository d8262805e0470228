"""What the audit makes of rows and messages, without servers."""

from __future__ import annotations

from recorder import audit
from recorder.audit import Comparison, Figures, Finding

QUIET = Figures(0, 0.0, dict.fromkeys(audit.IDENTITIES, 0))


def test_the_span_is_what_had_a_minute_to_arrive_and_is_not_five_minutes_old() -> None:
    assert audit.span(1_000_000) == (1_000_000 - 300_000, 1_000_000 - 60_000)


def test_only_what_the_recorder_acknowledged_can_be_missing_in_postgres() -> None:
    comparison = Comparison(["a", "b"], floor=3)
    comparison.read([("a", 1), ("b", 2), ("lost", 3), ("on its way", 4)])
    assert comparison.missing_rows == {"lost"}
    assert comparison.missing_messages == set()


def test_a_message_that_is_twice_in_the_stream_is_one() -> None:
    comparison = Comparison(["a"], floor=9)
    comparison.read([("a", 1)])
    comparison.read([("a", 2)])
    assert (comparison.missing_rows, comparison.missing_messages, comparison.messages) == (set(), set(), 2)


def test_a_row_whose_message_is_gone_is_found_too() -> None:
    comparison = Comparison(["a", "b"], floor=9)
    comparison.read([("b", 1)])
    assert comparison.missing_messages == {"a"}


def test_figures_that_are_as_they_must_be_are_no_findings() -> None:
    assert audit.of_figures(QUIET) == []
    # An announcement that is on its way for a while is normal; sixty seconds are not.
    assert audit.of_figures(QUIET._replace(outbox_unsent_s=60.0)) == []
    [late] = audit.of_figures(QUIET._replace(outbox_unsent_s=61.0))
    assert late.name == "outbox_unsent_s"


def test_each_figure_says_what_is_wrong() -> None:
    found = audit.of_figures(Figures(3, 0.0, {**QUIET.ledger, "position_sums": 2}))
    assert [(finding.name, finding.value) for finding in found] == [
        ("default_partition_rows", 3),
        ("ledger.position_sums", 2),
    ]
    assert "3 rows of ticks" in found[0].says
    assert found[1].says.startswith("2 positions are not the sums")


def test_a_finding_names_a_few_ids_and_how_many_more_there_are() -> None:
    says = audit.missing_rows("MARKET", [f"t:{number}" for number in range(7)]).says
    assert "(t:0, t:1, t:2, t:3, t:4 and 2 more)" in says


def test_only_what_was_not_found_before_is_news() -> None:
    old, new = Finding("old", 1, ""), Finding("new", 1, "")
    assert audit.news([old], [old._replace(value=2), new]) == ([new], [])
    assert audit.news([old, new], [new]) == ([], ["old"])
