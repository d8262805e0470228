"""Names of a connection's own subjects."""

from __future__ import annotations

import re


def inbox_prefix(service: str) -> str:
    """Where the replies to one service go: only its own user may read them."""
    return "_INBOX_" + re.sub(r"[^A-Za-z0-9]", "_", service)
