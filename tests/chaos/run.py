"""What every group of rows gets: where to work, how much, and where its figures go."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from chaos.platform import Platform
from chaos.table import Found
from trading_core.db.migrate import migrate
from trading_core.db.roles import LOGIN_ROLES, set_passwords
from trading_core.embedded import launch
from trading_core.embedded.nats import new_password
from trading_core.testing_servers import OwnPostgres


@dataclass(frozen=True)
class Context:
    """quick: once instead of often. speed: of venue time. step: told what is going on. rows: those that were asked for.

    scale: of the length of an outage, so that one of minutes can be tried in less.
    """

    found: Mapping[str, Found]
    rows: Collection[str]
    quick: bool
    seed: int
    speed: float
    step: Callable[[str], None]
    keep: Path | None = None
    scale: float = 1.0

    def times(self, row: str, full: int) -> int:
        """How often its fault is done; once in a quick run, which the row then says."""
        if self.quick and full > 1:
            self.found[row].leave_out(f"a quick run: once instead of {full} times", "times")
            return 1
        return full

    def length_s(self, row: str, full_s: float) -> float:
        """How long its outage lasts; when that is not all of it, the row says so."""
        if self.scale != 1:
            self.found[row].leave_out(f"{full_s * self.scale:.0f} s instead of {full_s:.0f} s", f"{full_s:.0f} s")
        return full_s * self.scale

    @contextlib.asynccontextmanager
    async def platform(
        self,
        factor: float = 1.0,
        *,
        proxied: bool = False,
        dense: bool = False,
        nats_disk: Callable[[Path], contextlib.AbstractContextManager[None]] = lambda _folder: contextlib.nullcontext(),
        postgres_mb: int | None = None,
        strategies: Callable[[Path], None] = lambda _folder: None,
    ) -> AsyncIterator[Platform]:
        """All of it, running on servers of its own; nothing of it is left at the end.

        factor: of the usual speed. proxied, dense: see Platform. nats_disk: mounts what NATS writes on.
        postgres_mb: PostgreSQL has no more space than that. strategies: puts more of them into their folder.
        """
        self.step("starting the platform")
        with launch.temporary_folder() as folder:
            async with own_postgres(folder, postgres_mb) as postgres:
                platform = Platform(folder, postgres, self.speed * factor, proxied=proxied, strategies=strategies)
                if dense:
                    platform.dense()
                try:
                    with nats_disk(folder / "nats"):
                        try:
                            await platform.open()
                            yield platform
                        finally:
                            with contextlib.redirect_stdout(None):
                                await platform.shut()
                finally:
                    self._keep_logs(folder)

    def at_speed(self, factor: float, *rows: str) -> None:
        """Says at how much of the usual load its rows were run."""
        for row in rows:
            self.found[row].say(f"load {factor:g} × the usual")

    def broken(self, rows: Iterable[str], broken: list[str], judged: str) -> None:
        """What the judge found belongs to every row whose faults came before."""
        for name in (row for row in rows if row in self.rows):
            self.found[name].measure("broken", len(broken))
            for one in broken[:5]:
                self.found[name].say(one)
            self.found[name].say(judged)

    def _keep_logs(self, folder: Path) -> None:
        if self.keep is not None:
            self.keep.mkdir(parents=True, exist_ok=True)
            for log in folder.glob("*.log"):
                (self.keep / log.name).write_bytes(log.read_bytes())


@contextlib.contextmanager
def mounted(source: str, folder: Path, *options: str) -> Iterator[None]:
    """Root only."""
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(["mount", *options, source, str(folder)], check=True, capture_output=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True, capture_output=True)


def small_disk(folder: Path, size_mb: int | None) -> contextlib.AbstractContextManager[None]:
    if size_mb is None:
        return contextlib.nullcontext()
    return mounted("tmpfs", folder, "-t", "tmpfs", "-o", f"size={size_mb}m")


@contextlib.asynccontextmanager
async def own_postgres(folder: Path, disk_mb: int | None = None) -> AsyncIterator[OwnPostgres]:
    """A migrated PostgreSQL that keeps its promises, with a login for every role."""
    password = new_password()
    postgres = OwnPostgres(folder, password)
    try:
        with small_disk(postgres.server.home, disk_mb):
            await asyncio.to_thread(postgres.process.start)
            try:
                await asyncio.to_thread(migrate, postgres.url)
                await set_passwords(postgres.url, dict.fromkeys(LOGIN_ROLES, password))
                yield postgres
            finally:
                postgres.process.stop()
    finally:
        postgres.server.remove()
