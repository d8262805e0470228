"""As whom PostgreSQL runs. It refuses uid 0, so root hands it to an account without rights."""

from __future__ import annotations

import hashlib
import os
import pwd
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path

from trading_core.errors import TradingError


@dataclass(frozen=True)
class Account:
    uid: int
    gid: int


def unprivileged() -> Account | None:
    """The account `nobody` when we are root, else None: then the server runs as we do."""
    if os.geteuid() != 0:
        return None
    entry = pwd.getpwnam("nobody")
    return Account(entry.pw_uid, entry.pw_gid)


def can_pass(folder: Path, account: Account) -> bool:
    """Whether `account` may go through every existing folder on the way to and including `folder`."""
    for step in (folder, *folder.parents):
        try:
            info = step.stat()
        except FileNotFoundError:
            continue
        if info.st_uid == account.uid:
            allowed = info.st_mode & stat.S_IXUSR
        elif info.st_gid == account.gid:
            allowed = info.st_mode & stat.S_IXGRP
        else:
            allowed = info.st_mode & stat.S_IXOTH
        if not allowed:
            return False
    return True


def passable_home(folder: Path, account: Account | None) -> Path:
    """`folder` itself, or its stand-in under /var/tmp when `account` cannot reach it (a clone under /root).

    The stand-in's name depends on `folder` alone, so the next start finds the same data. Neither is created here.
    """
    folder = folder.absolute()
    if account is None or can_pass(folder.parent, account):
        return folder
    name = "paper-trading-" + hashlib.blake2b(str(folder).encode(), digest_size=6).hexdigest()
    for base in (Path("/var/tmp"), Path(tempfile.gettempdir()), Path("/tmp")):
        if base.is_dir() and can_pass(base, account):
            home = base / name
            if home.is_symlink() or (home.exists() and home.stat().st_uid != os.geteuid()):
                raise TradingError(f"{home} belongs to someone else. Remove it, or run in a folder others can enter.")
            return home
    raise TradingError(f"{folder} cannot be reached by the account nobody. Run as an ordinary user instead of root.")
