"""The one way to say that an input is not there."""

from __future__ import annotations


class MissingInput(Exception):
    """An input is missing or says nothing; `reason` is the PASS reason (`warming_up`, `no_funding`, …)."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
