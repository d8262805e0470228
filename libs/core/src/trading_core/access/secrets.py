"""Every secret of an installation, and the files in which each part of it finds its own and no other."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from pathlib import Path

from trading_core.access.users import USERS
from trading_core.db.roles import LOGIN_ROLES, ROLE_OF_SERVICE
from trading_core.errors import ConfigError
from trading_core.secret_files import read_secret

SUPERUSER, CONTROL_TOKEN, READ_TOKEN, GRAFANA_ADMIN = "postgres", "control_token", "read_token", "grafana_admin"
SHORTEST = 16
NATS_PASSWORDS = Path("nats/passwords.conf")


def nats_secret(user: str) -> str:
    """The name of the password of one user of the bus: they share theirs with database roles."""
    return f"nats_{user}"


NAMES = (SUPERUSER, *LOGIN_ROLES, *map(nats_secret, USERS), CONTROL_TOKEN, READ_TOKEN, GRAFANA_ADMIN)
"""Of every secret that is generated."""


def _files() -> dict[Path, str]:
    roles = {**ROLE_OF_SERVICE, "operator": "research", "archive": "maintenance", "parity": "research"}
    roles |= {"exporter": "grafana_ro", "grafana": "grafana_ro", "backup": "backup"}
    held: dict[str, dict[str, str]] = {user: {"nats_password": nats_secret(user)} for user in USERS}
    held |= {
        "postgres": {"password": SUPERUSER},
        "migrate": {"database_password": SUPERUSER, **{f"role_{role}": role for role in LOGIN_ROLES}},
    }
    for folder, role in roles.items():
        held.setdefault(folder, {})["database_password"] = role
    held["grafana"]["admin_password"] = GRAFANA_ADMIN
    held["api"] |= {"control_token": CONTROL_TOKEN, "read_token": READ_TOKEN}
    return {Path(folder, name): secret for folder, files in held.items() for name, secret in files.items()}


FILES: Mapping[Path, str] = _files()
"""Path below the secrets folder -> name of the secret in it. A container mounts the folder of its own name alone."""


def new_secret() -> str:
    """128 bits in hexadecimal: safe in a URL, a shell and a configuration file."""
    return secrets.token_hex(16)


def write_missing(folder: Path, uid: int = -1, gid: int = -1) -> list[Path]:
    """Generates what `folder` does not hold yet; the files that were written, below `folder`.

    A file that is there is kept, so a person may bring his own. Files get mode 0600, or 0640 with a `gid`, and belong
    to `uid` and `gid` (-1: as they are made). ConfigError for one that is too short, differs from its copy, or cannot
    be written.
    """
    known: dict[str, tuple[str, Path]] = {}
    for path, name in FILES.items():
        if (file := folder / path).exists():
            value = read_secret(file, str(file))
            if len(value) < SHORTEST:
                raise ConfigError(f"{file}: {len(value)} characters are too few for a secret. Use {SHORTEST} or more.")
            first, where = known.setdefault(name, (value, file))
            if first != value:
                raise ConfigError(f"{file} and {where} must hold the same secret. Remove the wrong one.")
    value_of = {name: known[name][0] if name in known else new_secret() for name in dict.fromkeys(FILES.values())}
    texts = {path: f"{value_of[name]}\n" for path, name in FILES.items()}
    texts[NATS_PASSWORDS] = nats_passwords(value_of)
    written = []
    try:
        for path, text in texts.items():
            if not (folder / path).exists() or path == NATS_PASSWORDS:
                _write(folder, path, text, uid, gid)
                written.append(path)
    except OSError as error:
        raise ConfigError(f"{error.filename or folder}: {error.strerror}. Choose another --dir or --owner.") from error
    return written


def nats_passwords(value_of: Mapping[str, str]) -> str:
    """What `deploy/nats/users.conf` includes: one variable per user."""
    lines = [f'{password_variable(user)}: "{value_of[nats_secret(user)]}"' for user in USERS]
    return "\n".join(["# Generated: the passwords of users.conf.", *lines]) + "\n"


def password_variable(user: str) -> str:
    return f"PASSWORD_{user.upper().replace('-', '_')}"


def _write(folder: Path, path: Path, text: str, uid: int, gid: int) -> None:
    """Whole or not at all; nobody else can read it from the first byte on."""
    inner = (folder / path).parent
    inner.mkdir(parents=True, exist_ok=True)
    if uid >= 0 or gid >= 0:
        os.chown(inner, uid, gid)
    inner.chmod(0o750 if gid >= 0 else 0o700)
    beside = inner / f".{path.name}.new"
    beside.unlink(missing_ok=True)
    with open(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as output:
        output.write(text)
        if uid >= 0 or gid >= 0:
            os.fchown(output.fileno(), uid, gid)
        os.fchmod(output.fileno(), 0o640 if gid >= 0 else 0o600)
    beside.replace(folder / path)
