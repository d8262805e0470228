"""Which spans of an asset's books are lost: told at every watermark while they last, and once more at their end. Pure.

A hole is named by its asset and its beginning, so what is told of it later replaces what was told before. Since
nothing is promised of a span before its hole is told, a collector that is killed inside one leaves nothing unsaid.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from collector_pm.followed import Followed

SHORTEST_MS = 500
"""In a shorter one only such states are missing as were replaced within half a second: those are left out anyway."""


class Hole(NamedTuple):
    asset: str
    from_ms: int
    to_ms: int


class Holes:
    def __init__(self) -> None:
        self._ends: dict[tuple[str, int], int] = {}
        """Where markets have left a hole in which others may be still."""
        self._told: dict[tuple[str, int], int] = {}
        """How far a hole was told that has not ended yet."""

    def leave(self, one: Followed, at_ms: int) -> None:
        """The book of `one` is known from `at_ms` on, or nothing more is owed of it."""
        if one.lost_ms is not None and one.lost_ms < at_ms:
            name = (one.asset, one.lost_ms)
            self._ends[name] = max(at_ms, self._ends.get(name, 0))
        one.lost_ms = None

    def until(self, roster: Iterable[Followed], watermark_ms: int) -> Iterator[Hole]:
        """What still lasts, before `watermark_ms` is promised."""
        for asset, from_ms in sorted(_lasting(roster)):
            if from_ms < watermark_ms:
                self._told[asset, from_ms] = watermark_ms
                yield Hole(asset, from_ms, watermark_ms)

    def ended(self, roster: Iterable[Followed]) -> Iterator[Hole]:
        """Holes that no market is in any more, each once."""
        if not self._ends:
            return
        lasting = _lasting(roster)
        for name, to_ms in sorted(self._ends.items()):
            if name in lasting:
                continue
            del self._ends[name]
            told_ms = self._told.pop(name, None)
            if to_ms - name[1] >= SHORTEST_MS if told_ms is None else to_ms > told_ms:
                yield Hole(*name, to_ms)


def _lasting(roster: Iterable[Followed]) -> set[tuple[str, int]]:
    return {(one.asset, one.lost_ms) for one in roster if one.lost_ms is not None}
