"""The run folder: data, logs, passwords and process ids of one embedded platform.

`.run/demo` and `.run/live` never share data: recorded and live prices must not meet in one ledger.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

from trading_core.access import nats_config
from trading_core.access.secrets import NAMES, nats_secret, new_secret
from trading_core.embedded.nats import NatsServer
from trading_core.embedded.postgres import PostgresServer
from trading_core.errors import ConfigError

DATABASE = "trading"


@dataclass(frozen=True)
class RunFolder:
    """Paths below one run folder; `mode` is `demo` or `live`."""

    base: Path
    mode: str

    @property
    def path(self) -> Path:
        return self.base.absolute() / self.mode

    @property
    def logs(self) -> Path:
        return self.path / "logs"

    @property
    def pids(self) -> Path:
        return self.path / "pids"

    @property
    def venue_clock(self) -> Path:
        return self.path / "venue-clock.json"

    @property
    def address(self) -> Path:
        """While the platform runs: where its page is."""
        return self.path / "address"

    @property
    def environment(self) -> Path:
        """While the platform runs: what a command needs to reach its database and bus (0600)."""
        return self.path / "env"

    @property
    def control_token(self) -> Path:
        """What the page asks for before it steers the broker (0600)."""
        return self.path / "control-token"

    @property
    def targets(self) -> Path:
        """Where the services' metrics are, for `file_sd_configs` of a Prometheus, while the platform runs."""
        return self.path / "metrics.json"

    @property
    def archive(self) -> Path:
        """What left the database, unless `archive.dir` names another folder."""
        return self.path / "archive"

    def log(self, name: str) -> Path:
        return self.logs / f"{name}.log"

    def prepare(self) -> None:
        for folder in (self.base.absolute(), self.path, self.logs, self.pids):
            folder.mkdir(parents=True, exist_ok=True)

    def lock(self) -> IO[str]:
        """Held until closed, also by a crash. ConfigError when another supervisor has it."""
        file = (self.path / "lock").open("w")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            where = self.address.read_text().strip() if self.address.exists() else "it is still starting"
            raise ConfigError(
                f"{self.path} is in use by a platform that already runs ({where}). Stop that one first."
            ) from None
        return file

    def reset(self) -> None:
        """Forgets everything but the lock: ledger, streams, logs and passwords."""
        PostgresServer(self.path / "postgres", 0, None).remove()
        for entry in self.path.iterdir():
            if entry.name == "lock":
                continue
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry)
            else:
                entry.unlink()
        self.prepare()

    def nats_server(self, port: int, monitor_port: int) -> NatsServer:
        """The bus with its users; we are the one who may make streams."""
        secrets = self.secrets()
        return NatsServer(
            self.path / "nats", port, monitor_port, secrets[nats_secret("provision")], user="provision",
            authorization=nats_config.with_passwords(secrets),
        )  # fmt: skip

    def nats_url(self, server: NatsServer, user: str) -> str:
        return server.url_of(user, self.secrets()[nats_secret(user)])

    def nats_login(self, url: str, user: str) -> str:
        """`url` of this platform's bus, with another of its users."""
        return f"nats://{user}:{self.secrets()[nats_secret(user)]}@{urlsplit(url).netloc.rpartition('@')[2]}"

    def secrets(self) -> dict[str, str]:
        """The generated passwords, made at the first start and readable by their owner alone."""
        file = self.path / "secrets"
        known: dict[str, str] = json.loads(file.read_text()) if file.exists() else {}
        missing = [name for name in NAMES if name not in known]
        if missing:
            known |= {name: new_secret() for name in missing}
            write_private(file, json.dumps(known, indent=1))
        return known


def write_private(file: Path, text: str) -> None:
    """`file` with `text`, whole or not at all, mode 0600 from the first byte on."""
    beside = file.with_name(file.name + ".new")
    beside.unlink(missing_ok=True)
    with open(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as output:
        output.write(text)
    beside.replace(file)
