"""Times as people write them on a command line."""

from __future__ import annotations

from datetime import UTC, datetime

from trading_core.errors import ConfigError


def moment(text: str, option: str) -> int:
    """UTC ms of an ISO date or time, UTC unless it says otherwise. ConfigError, naming `option`, for anything else."""
    try:
        time = datetime.fromisoformat(text)
    except ValueError as error:
        raise ConfigError(
            f"{option} {text!r} is no time. Write it like 2025-05-05 or 2025-05-05T12:00 (UTC)."
        ) from error
    return int((time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp() * 1000)
