"""A search from its first set to its last, taking up what an earlier run of it left."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from trading_core.optimise.figures import Outcome
from trading_core.optimise.journal import Store
from trading_core.optimise.pool import Pool
from trading_core.optimise.search import Search

Progress = Callable[[int, int], None]
"""Called with (sets done, sets in all)."""


def run_search(
    search: Search, pool: Pool, store: Store, earlier: Iterable[Outcome], progress: Progress | None = None
) -> list[Outcome]:
    """The outcome of every set that the search tried, by number.

    `earlier`: outcomes of the same study, which are not computed again. Those of sets that this search does not come
    to, because it wants fewer trials now, are left out.
    """
    known = {outcome.number: outcome for outcome in earlier}
    tried: dict[int, Outcome] = {}

    def missing(numbers: Iterable[int]) -> Iterator[int]:
        for number in numbers:
            if number in known:
                tried[number] = known[number]
            else:
                yield number

    while batch := search.batch():
        for outcome in pool.outcomes(missing(batch)):
            store.save(outcome)
            tried[outcome.number] = known[outcome.number] = outcome
            if progress is not None:
                progress(len(tried), search.total)
        search.tell(known)
    return [tried[number] for number in sorted(tried)]
