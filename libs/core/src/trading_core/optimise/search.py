"""In which order sets are tried: all of them, at random, or where Optuna's TPE expects the most."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from typing import Protocol

from trading_core.optimise.figures import Outcome
from trading_core.optimise.space import Space


class Search(Protocol):
    """Hands out sets in batches until it has enough. Equal outcomes lead to equal sets, however fast they came."""

    total: int
    """How many tries it takes at most."""

    def batch(self) -> Iterable[int]:
        """The next sets; none when the search is over. A set that was tried before may come again."""
        ...

    def tell(self, known: Mapping[int, Outcome]) -> None:
        """All sets of the last batch are in `known` now."""
        ...


class Grid:
    """Every set once, in order."""

    def __init__(self, space: Space) -> None:
        self.total = space.size
        self._left = True

    def batch(self) -> Iterable[int]:
        left, self._left = self._left, False
        return range(self.total) if left else ()

    def tell(self, known: Mapping[int, Outcome]) -> None:
        pass


class Random:
    """`trials` different sets, drawn evenly. More trials continue where fewer ended; impossible sets do not count."""

    def __init__(self, space: Space, trials: int, seed: int) -> None:
        self.total = min(trials, space.size)
        self._size = space.size
        self._random = random.Random(seed)
        self._drawn: set[int] = set()
        self._batch: list[int] = []
        self._wanted = self.total

    def batch(self) -> Iterable[int]:
        self._batch = []
        while self._wanted and len(self._drawn) < self._size:
            number = self._random.randrange(self._size)
            if number not in self._drawn:
                self._drawn.add(number)
                self._batch.append(number)
                self._wanted -= 1
        return self._batch

    def tell(self, known: Mapping[int, Outcome]) -> None:
        self._wanted = sum(known[number].refused is not None for number in self._batch)
