"""What the inbox stores, holds and acknowledges."""

from __future__ import annotations

from message_builders import T0, a_grid, a_signal

from paper_broker.inbox import Inbox
from trading_core import messages
from trading_core.bus.durable import DurableMessage
from trading_core.messages import Message


def delivered(*contents: Message) -> list[DurableMessage]:
    return [DurableMessage((b"signal.x", m.id.encode(), messages.encode(m))) for n, m in enumerate(contents)]


def test_a_signal_is_stored_and_acknowledged_at_once_and_a_pass_waits_for_its_grid_message() -> None:
    inbox = Inbox()
    signal, passed = a_signal(T0, strategy="a"), a_signal(T0, "PASS", strategy="b")
    first = inbox.sort(delivered(signal, passed), T0 - 60_000)
    assert first.signals == [signal]
    assert [m.reply for m in first.acknowledge] == [signal.id.encode()]
    grid = a_grid(T0, 2)
    second = inbox.sort(delivered(grid), T0 - 60_000)
    assert second.grids == [grid]
    assert {m.reply for m in second.acknowledge} == {passed.id.encode(), grid.id.encode()}


def test_a_grid_message_that_overtook_a_redelivered_signal_waits_for_it() -> None:
    inbox = Inbox()
    assert inbox.sort(delivered(a_grid(T0, 1)), 0).grids == []
    assert len(inbox.sort(delivered(a_signal(T0)), 0).grids) == 1


def test_what_was_counted_before_a_restart_is_only_acknowledged() -> None:
    batch = Inbox().sort(delivered(a_signal(T0, "PASS")), passed_ms=T0)
    assert len(batch.acknowledge) == 1
    assert batch.signals == []


def test_a_skipped_grid_point_lets_go_of_what_waited_for_it() -> None:
    inbox = Inbox()
    inbox.sort(delivered(a_signal(T0, "PASS")), 0)
    assert len(inbox.sort([], passed_ms=T0).acknowledge) == 1


def test_what_is_not_a_signal_is_refused_with_its_reason() -> None:
    broken = DurableMessage((b"signal.x", b"r", b"{"))
    [(message, reason)] = Inbox().sort([broken], 0).invalid
    assert message is broken
    assert "truncated" in reason.lower() or "ended" in reason.lower()
