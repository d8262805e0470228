"""What is compared, as text: equal facts give equal texts. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

from trading_core import messages
from trading_core.broker.events import EquityMark
from trading_core.messages import ExecMessage, SignalMessage
from trading_core.sequence.checkpoint import Checkpoint

_POSITION = (
    "strategy", "asset", "exchange", "instrument", "direction", "status", "version", "quantity", "stake",
    "entry_ref", "entry_price", "exit_ref", "exit_price", "exit_reason", "gross_pnl", "fees", "funding_pnl",
    "slippage_cost", "realised_pnl", "suspect", "late",
)  # fmt: skip


def position_text(column: Callable[[str], Any]) -> str:
    """`column` gives the value of each column of a position."""
    return _columns({name: column(name) for name in _POSITION})


def message_text(message: SignalMessage | ExecMessage | None) -> str | None:
    return None if message is None else messages.encode(message).decode()


def checkpoint_text(checkpoint: Checkpoint) -> str:
    """All of it but its places in the streams, which are of one life of the broker only."""
    return replace(checkpoint, read_from_ns={}).dump()


def equity_text(event: EquityMark) -> str:
    return _columns(
        {
            "total_equity": event.total_equity,
            "unrealised_pnl": event.unrealised,
            "realised_pnl": event.realised,
            "open_costs": event.open_costs,
            "open_positions": event.open_positions,
        }
    )


def equity_row_text(row: Any) -> str:
    names = ("total_equity", "unrealised_pnl", "realised_pnl", "open_costs", "open_positions")
    return _columns({name: row[name] for name in names})


def _columns(values: dict[str, Any]) -> str:
    """Comparable text: numbers by value, since NUMERIC may drop or add trailing zeros."""
    return " ".join(
        f"{name}={format(value.normalize(), 'f') if isinstance(value, Decimal) else value}"
        for name, value in values.items()
    )
