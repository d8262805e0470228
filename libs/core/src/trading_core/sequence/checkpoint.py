"""Where a broker stood and all it remembered: what its restart and the replay of a day begin with."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from trading_core.broker import book as books
from trading_core.broker.book import Book
from trading_core.broker.inputs import Place, Rank
from trading_core.model import DAY_MS, MINUTE_MS
from trading_core.sequence.sequencer import Resume


class _State(msgspec.Struct):
    start_ms: int
    applied_ms: dict[str, int]
    read_from_ns: dict[str, int]
    book: msgspec.Raw


_decoder = msgspec.json.Decoder(_State)


@dataclass(frozen=True)
class Checkpoint:
    """`read_from_ns`: ingest time per stream to read again from."""

    resume: Resume
    book: Book
    read_from_ns: dict[str, int]

    @property
    def day_ms(self) -> int | None:
        """The UTC day that begins with the next grid point, when the one before it is wholly applied; else None."""
        place, next_ms = self.resume.place, self.resume.start_ms + MINUTE_MS
        over = place.rank == Rank.EQUITY and place.visible_ms == self.resume.start_ms
        return next_ms if over and next_ms % DAY_MS == 0 else None

    def dump(self) -> str:
        """All but the place as JSON text."""
        state = _State(
            self.resume.start_ms, self.resume.applied_ms, self.read_from_ns, msgspec.Raw(books.dump(self.book))
        )
        return msgspec.json.encode(state).decode()


def load(place: Place, text: str) -> Checkpoint:
    """The checkpoint at `place` that `dump` wrote. msgspec.ValidationError when it is none."""
    state = _decoder.decode(text)
    resume = Resume(state.start_ms, place, state.applied_ms)
    return Checkpoint(resume, books.load(bytes(state.book)), state.read_from_ns)


def load_day(day_ms: int, text: str) -> Checkpoint:
    """The checkpoint with which the UTC day `day_ms` begins."""
    return load(Place(day_ms - MINUTE_MS, Rank.EQUITY, ""), text)
