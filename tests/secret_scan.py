"""Whether generated secrets stand where nobody may read them. Each is 32 hexadecimal digits."""

from __future__ import annotations

import re
from collections.abc import Iterable, Set

DIGITS = 32
_RUN = re.compile(rb"[0-9a-f]{%d,}" % DIGITS)


def secrets_in(chunks: Iterable[bytes], values: Set[str]) -> set[str]:
    """Those of `values` that occur, also across the border of two chunks or within more digits."""
    wanted, found, rest = {value.encode() for value in values}, set(), b""
    for chunk in chunks:
        text = rest + chunk
        for run in _RUN.finditer(text):
            digits = run.group()
            found |= wanted & {digits[at : at + DIGITS] for at in range(len(digits) - DIGITS + 1)}
        rest = text[-DIGITS + 1 :]
    return {value.decode() for value in found}
