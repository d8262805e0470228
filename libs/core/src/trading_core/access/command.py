"""`python -m trading_core secrets`: writes what is missing, says what it wrote, never a value."""

from __future__ import annotations

import argparse
from pathlib import Path

from trading_core.access.secrets import FILES, write_missing
from trading_core.errors import ConfigError

EXAMPLES = """\
examples:
  python -m trading_core secrets --dir ./secrets                       files of mode 0600, one folder per service
  python -m trading_core secrets --dir /run/secrets --owner 10001:0    readable by user 10001 and by group 0

A file that is there already is kept: write your own before, or remove one for a new value. Services read theirs with
variables that end in _FILE: TRADING_DATABASE__PASSWORD_FILE=/run/secrets/recorder/database_password
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.epilog = EXAMPLES
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--dir", type=Path, required=True, help="where the files are or shall be")
    parser.add_argument("--owner", default="", metavar="UID[:GID]", help="whom they belong to; with GID mode 0640")


def run(arguments: argparse.Namespace) -> int:
    uid, gid = _owner(arguments.owner)
    written = write_missing(arguments.dir, uid, gid)
    print(f"{arguments.dir}: {len(written)} files written, {len(FILES) + 1 - len(written)} kept")
    return 0


def _owner(text: str) -> tuple[int, int]:
    user, _, group = text.partition(":")
    try:
        return int(user or -1), int(group or -1)
    except ValueError:
        raise ConfigError(f"--owner must be numbers, UID or UID:GID, got {text!r}.") from None
