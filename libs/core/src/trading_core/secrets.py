"""`python -m trading_core secrets`: the passwords of an installation, generated where none is given."""

from __future__ import annotations

import argparse
import os
import secrets
from pathlib import Path

from trading_core.db.roles import LOGIN_ROLES, url_for
from trading_core.errors import ConfigError

EXAMPLES = """examples:
  python -m trading_core secrets --dir /run/secrets --database postgresql://postgres:5432/trading
  SECRET_GRAFANA_ADMIN=… python -m trading_core secrets --dir /run/secrets      this one is given, not generated

One folder for each: postgres, grafana_admin, api and the login roles. `password` is in each; with --database,
`database_url` too. Readable by their owner alone. What is there stays; a given password replaces what is there."""
SERVER = "postgres"
NAMES = (SERVER, *LOGIN_ROLES, "grafana_admin")
GIVEN_PREFIX = "SECRET_"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = "Writes the passwords that are missing, each 32 random hexadecimal digits."
    parser.epilog = EXAMPLES
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--dir", type=Path, required=True, metavar="DIR", help="where they are kept")
    parser.add_argument("--database", metavar="URL", help="without a login: writes each role's whole URL too")


def run(args: argparse.Namespace) -> int:
    """ConfigError when DIR cannot be written."""
    made = []
    try:
        for name in NAMES:
            folder = args.dir / name
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            known = _read(folder / "password")
            password = os.environ.get(f"{GIVEN_PREFIX}{name.upper()}") or known or secrets.token_hex(16)
            if password != known:
                _write(folder / "password", password)
                made.append(name)
            if args.database and name in (SERVER, *LOGIN_ROLES):
                _write(folder / "database_url", url_for(args.database, name, password))
    except OSError as error:
        raise ConfigError(
            f"--dir {args.dir}: cannot be written ({error.strerror}). Name a folder of your own."
        ) from error
    print(f"{args.dir} has {len(NAMES)} passwords; new or changed: {', '.join(made) or 'none'}")
    return 0


def passwords(folder: Path) -> dict[str, str]:
    """Of the login roles, those that `folder` has."""
    return {role: found for role in LOGIN_ROLES if (found := _read(folder / role / "password"))}


def _read(file: Path) -> str:
    return file.read_text(encoding="utf-8").strip() if file.exists() else ""


def _write(file: Path, text: str) -> None:
    """Whole or not at all, mode 0600 from the first byte on."""
    beside = file.with_name(file.name + ".new")
    beside.unlink(missing_ok=True)
    with open(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as output:
        output.write(text)
    beside.replace(file)
