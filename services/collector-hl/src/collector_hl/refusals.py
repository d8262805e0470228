"""Which subscriptions to leave out: one that the venue does not take cuts the whole socket, without a word. Pure."""

from __future__ import annotations

from collections.abc import Iterable

Key = tuple[str, str]
"""Channel and asset."""
FAST_S = 2.0
"""A socket that ends so soon, before everything is acknowledged, was cut for what it asked."""


class Refusals:
    def __init__(self) -> None:
        self.left_out: set[Key] = set()
        self.unlisted: set[str] = set()
        """Assets that the venue has taken off its list: they come back when it lists them again."""
        self._suspect: Key | None = None
        self._is_sure = False

    def closed(self, lived_s: float, first_unacknowledged: Key | None, acknowledged: int) -> bool:
        """One socket ended. True when it is the second in a row that ended fast at the same subscription.

        The venue acknowledges in order, so the first one without an answer is the one it did not take.
        """
        if lived_s > FAST_S or first_unacknowledged is None:
            self._suspect = None
            return False
        is_second = self._suspect == first_unacknowledged
        # If nothing at all was acknowledged, it may be the venue that is out of order, not our list.
        self._suspect, self._is_sure = first_unacknowledged, acknowledged > 0
        return is_second

    def leave_out(self, assets: Iterable[str], listed: set[str]) -> list[str]:
        """Names what is left out from now on: the assets no longer listed, else the one suspect subscription."""
        gone = set(assets) - listed - self.unlisted
        self.unlisted |= gone
        named = sorted(gone)
        if not gone and self._is_sure and self._suspect is not None:
            self.left_out.add(self._suspect)
            named = [f"{self._suspect[0]} of {self._suspect[1]}"]
        self._suspect = None
        return named

    def listed_again(self, listed: set[str]) -> set[str]:
        """Assets that were left out and are back on the venue's list: from now on they are asked for."""
        back = self.unlisted & listed
        self.unlisted -= back
        return back

    def takes(self, channel: str, asset: str) -> bool:
        return asset not in self.unlisted and (channel, asset) not in self.left_out
