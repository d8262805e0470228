"""What is compared each minute, and what it means. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from trading_core.model import MINUTE_MS

YOUNGEST_MS, OLDEST_MS = MINUTE_MS, 5 * MINUTE_MS
OUTBOX_LIMIT_S = 60
NAMED = 5
"""As many ids a finding names."""


class Span(NamedTuple):
    """Event times in (after_ms, until_ms]."""

    after_ms: int
    until_ms: int


def span(now_ms: int) -> Span:
    """What has had a minute to arrive and is not yet five minutes old when the venue's clock stands at `now_ms`."""
    return Span(now_ms - OLDEST_MS, now_ms - YOUNGEST_MS)


class Comparison:
    """Rows of a span against the messages of a stream, by id; a message that is there twice is one."""

    def __init__(self, stored: Iterable[str], floor: int) -> None:
        """`floor`: up to this place in the stream the recorder has said that it is done."""
        self.messages = 0
        self.missing_rows: set[str] = set()
        """In the stream, acknowledged by the recorder, and not in Postgres."""
        self._stored = frozenset(stored)
        self._unseen = set(self._stored)
        self._floor = floor

    def read(self, messages: Iterable[tuple[str, int]]) -> None:
        """`messages`: id and place in the stream of each."""
        for event_id, sequence in messages:
            self.messages += 1
            if event_id in self._stored:
                self._unseen.discard(event_id)
            elif sequence <= self._floor:
                self.missing_rows.add(event_id)

    @property
    def missing_messages(self) -> set[str]:
        """In Postgres and not in the stream; to be asked once the stream was read to where it ended before."""
        return self._unseen


class Figures(NamedTuple):
    """What Postgres says by itself. Each is 0 while all is well, `outbox_unsent_s` nearly so."""

    default_partition_rows: int
    outbox_unsent_s: float
    ledger: Mapping[str, int]
    """Rows that break an identity of the ledger, by the name of it."""


class Finding(NamedTuple):
    """`value` counts something that is not as it must be. `says` is for people: what, and what to do."""

    name: str
    value: float
    says: str


IDENTITIES: Mapping[str, str] = {
    "position_sums": "positions are not the sums of their fills and funding payments",
    "equity_sums": "mark-to-market rows do not add up",
    "fills_unsaid": "fills of the ledger are not in the recorder's copy of EXEC",
    "fills_unknown": "fills in the recorder's copy of EXEC are not in the ledger",
}


def missing_rows(stream: str, ids: Sequence[str]) -> Finding:
    return Finding(
        f"missing_rows.{stream}",
        len(ids),
        f"{len(ids)} acknowledged messages of {stream} are not in Postgres ({_some(ids)}). While the stream has them, "
        f"`nats consumer reset {stream} rec --sequence 1 -f` and a restart of the recorder store them.",
    )


def missing_messages(stream: str, ids: Sequence[str]) -> Finding:
    return Finding(
        f"missing_messages.{stream}",
        len(ids),
        f"{stream} has lost {len(ids)} messages that are in Postgres ({_some(ids)}): what reads the stream does not "
        "see them. Look at the server's log and disk; replay from Postgres.",
    )


def of_figures(figures: Figures) -> list[Finding]:
    """What of the figures is not as it must be."""
    found = []
    if rows := figures.default_partition_rows:
        says = (
            f"{rows} rows of ticks are in the DEFAULT partition: their event time is in the future, or partitions "
            "could not be made. See the recorder's log."
        )
        found.append(Finding("default_partition_rows", rows, says))
    if figures.outbox_unsent_s > OUTBOX_LIMIT_S:
        says = (
            f"The broker's oldest unsent announcement is {figures.outbox_unsent_s:.0f} s old: is the paper-broker "
            "running, and NATS?"
        )
        found.append(Finding("outbox_unsent_s", figures.outbox_unsent_s, says))
    for name, rows in figures.ledger.items():
        if rows:
            says = f"{rows} {IDENTITIES[name]}. Do not trust P&L before this is explained."
            found.append(Finding(f"ledger.{name}", rows, says))
    return found


def news(before: Iterable[Finding], now: Iterable[Finding]) -> tuple[list[Finding], list[str]]:
    """What was not found the last time, and the names of what is found no more."""
    earlier, current = {each.name for each in before}, list(now)
    return (
        [finding for finding in current if finding.name not in earlier],
        sorted(earlier - {finding.name for finding in current}),
    )


def _some(ids: Sequence[str]) -> str:
    more = len(ids) - NAMED
    return ", ".join(sorted(ids)[:NAMED]) + (f" and {more} more" if more > 0 else "")
