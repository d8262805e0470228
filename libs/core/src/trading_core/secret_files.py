"""A secret that a container finds in a file of its own."""

from __future__ import annotations

from pathlib import Path

from trading_core.errors import ConfigError


def read_secret(file: Path, variable: str) -> str:
    """The text of `file` without the line end. ConfigError naming `variable` when there is none."""
    try:
        text = file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not text"
        raise ConfigError(f"{variable}: {file} cannot be read ({reason}). Name a file with the value.") from error
    if not text:
        raise ConfigError(f"{variable}: {file} is empty. Write the value into it.")
    return text
