"""When a row holds, and when it only seems to."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from chaos.document import document
from chaos.proxy import COMMITTED, FAIR, Proxy, Weather
from chaos.results import read, updated, write
from chaos.run import Context
from chaos.table import Bound, Found, Row, counts, measured, read_bounds

ROW = Row("R0", "something dies", {"broken": Bound(most=0), "back_s": Bound(most=5), "rate": Bound(least=10)})


def a_found(**figures: float) -> Found:
    found = Found(ROW)
    for figure, value in figures.items():
        found.measure(figure, value)
    return found


def test_a_row_holds_when_every_figure_was_measured_and_is_within_its_bound() -> None:
    assert a_found(broken=0, back_s=5, rate=10).verdict() == "holds"


@pytest.mark.parametrize("wrong", [{"broken": 1}, {"back_s": 5.1}, {"rate": 9.9}])
def test_one_figure_beyond_its_bound_fails_the_row(wrong: dict[str, float]) -> None:
    assert a_found(**{"broken": 0, "back_s": 1, "rate": 20, **wrong}).verdict() == "FAILS"


def test_what_was_not_measured_is_not_green() -> None:
    assert a_found(broken=0, back_s=1).verdict() == "partly"
    assert Found(ROW).verdict() == "not run"
    whole = a_found(broken=0, back_s=1, rate=20)
    whole.leave_out("no second machine here", "broken")
    assert whole.verdict() == "partly"


def test_a_run_that_broke_down_fails_whatever_it_measured_before() -> None:
    found = a_found(broken=0, back_s=1, rate=20)
    found.break_down("PostgreSQL did not start")
    assert found.verdict() == "FAILS"


def test_of_many_measurements_the_worst_counts() -> None:
    found = a_found(back_s=1, rate=20)
    found.measure("back_s", 9)
    found.measure("back_s", 2)
    found.measure("rate", 5)
    found.measure("rate", 30)
    assert found.figures == {"back_s": 9, "rate": 5}


def test_a_busy_machine_may_take_longer_but_not_lose_more() -> None:
    slow = a_found(broken=0, back_s=30, rate=10)
    assert (slow.verdict(), slow.verdict(time_factor=8)) == ("FAILS", "holds")
    assert a_found(broken=1, back_s=1, rate=10).verdict(time_factor=8) == "FAILS"


def test_a_figure_nobody_set_a_bound_for_is_refused() -> None:
    with pytest.raises(ValueError, match="no bound for speed"):
        Found(ROW).measure("speed", 1)


def test_every_row_of_the_fault_table_has_bounds() -> None:
    bounds = read_bounds()
    assert list(bounds.rows) == [f"R{number}" for number in range(1, 24)]
    assert all(row.bounds and row.fault for row in bounds.rows.values())


def test_the_page_shows_each_figure_beside_its_bound_and_why_one_is_missing() -> None:
    found = a_found(broken=0, back_s=7.25)
    found.leave_out("one core only", "rate")
    assert measured(found) == ["broken 0 (≤ 0)", "! back_s 7.25 (≤ 5)", "rate – (≥ 10)"]
    page = document({"R0": ROW}, updated({}, [found]))
    assert "| R0 | something dies | broken 0 (≤ 0)<br>! back_s 7.25 (≤ 5)<br>rate – (≥ 10) | FAILS |" in page
    assert "*rate*: one core only" in page
    assert counts([found])["FAILS"] == 1


def test_a_figure_too_small_to_show_is_shown_as_nothing() -> None:
    assert measured(a_found(back_s=0.0004))[1] == "back_s 0 (≤ 5)"


def test_a_run_of_some_rows_leaves_the_others_as_they_came_out_last(tmp_path: Path) -> None:
    other = Row("R1", "something stops", {"back_s": Bound(most=5)})
    write(updated({}, [a_found(broken=0, back_s=1, rate=20), Found(other, {"back_s": 9})]), tmp_path / "results.json")
    before = read(tmp_path / "results.json")
    after = updated(before, [Found(other, {"back_s": 3})])
    assert after["R0"] == before["R0"]
    page = document({"R0": ROW, "R1": other, "R2": Row("R2", "something rots", {"lost": Bound(most=0)})}, after)
    assert "2 holds, 0 FAILS, 0 partly, 1 not run" in page
    assert "| R2 | something rots | lost – (≤ 0) | not run | never |" in page


def test_a_row_is_judged_by_the_bounds_of_today() -> None:
    [result] = updated({}, [a_found(broken=0, back_s=3, rate=20)]).values()
    stricter = Row("R0", "something dies", {"broken": Bound(most=0), "back_s": Bound(most=2)})
    assert (result.found(ROW).verdict(), result.found(stricter).verdict()) == ("holds", "FAILS")
    more = Row("R0", "something dies", {**ROW.bounds, "undecided": Bound(most=0)})
    assert result.found(more).verdict() == "partly"


def test_less_than_the_table_asks_for_is_not_green() -> None:
    context = Context({"R0": a_found(broken=0, back_s=1, rate=20)}, {"R0"}, True, 1, 1.0, print, scale=0.5)
    assert (context.times("R0", 20), context.length_s("R0", 300.0)) == (1, 150.0)
    assert context.found["R0"].verdict() == "partly"
    assert context.found["R0"].left_out == {
        "times": "a quick run: once instead of 20 times", "300 s": "150 s instead of 300 s"
    }  # fmt: skip


async def test_the_proxy_passes_on_cuts_swallows_and_resets_the_answer_to_a_commit() -> None:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(100):
            writer.write(data)
        writer.close()

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    proxy = Proxy(server.sockets[0].getsockname()[1])
    await proxy.start()
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        writer.write(b"fair")
        assert await reader.readexactly(4) == b"fair"
        proxy.turn(Weather(half_open=True))
        writer.write(b"swallowed")
        proxy.turn(Weather(closed=True))
        with pytest.raises(ConnectionResetError):
            await reader.read()
        proxy.turn(Weather(resets_commits=True))
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        writer.write(COMMITTED)
        with pytest.raises(ConnectionResetError):
            await reader.read()
        assert proxy.resets == 1
        proxy.turn(FAIR)
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        writer.write(b"fair again")
        assert await reader.readexactly(10) == b"fair again"
        writer.close()
    finally:
        await proxy.close()
        server.close()
