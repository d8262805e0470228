"""A backup as a folder: what is in it, and whether every byte of it is still as it was written."""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trading_core.errors import ConfigError

FORMAT = 1
_PART = ".partial"


@dataclass(frozen=True)
class BackupFolder:
    path: Path

    @property
    def manifest(self) -> Path:
        return self.path / "manifest.json"

    @property
    def database(self) -> Path:
        return self.path / "database.dump"

    @property
    def archive(self) -> Path:
        return self.path / "archive"

    @property
    def venue_clock(self) -> Path:
        """Of a demo: where its simulated venue stands."""
        return self.path / "venue-clock.json"

    def stream(self, name: str) -> Path:
        return self.path / f"{name}.stream"

    def begin(self) -> BackupFolder:
        """A folder beside it to write into. ConfigError when there is something already."""
        if self.path.exists() and (not self.path.is_dir() or any(self.path.iterdir())):
            raise ConfigError(f"--to {self.path}: there is something already. Name a folder that does not exist yet.")
        partial = self.path.with_name(self.path.name + _PART)
        shutil.rmtree(partial, ignore_errors=True)
        try:
            partial.mkdir(mode=0o700, parents=True)
        except OSError as error:
            raise ConfigError(f"--to {self.path}: cannot be made: {error.strerror}. Name another folder.") from error
        return BackupFolder(partial)

    def finish(self, begun: BackupFolder, content: dict[str, Any]) -> None:
        """Writes the manifest with a checksum of every file, and gives the folder its name: whole or not at all."""
        files = {str(file.relative_to(begun.path)): checksum(file) for file in begun.files()}
        begun.manifest.write_text(json.dumps({"format": FORMAT, **content, "files": files}, indent=1) + "\n")
        if self.path.exists():
            self.path.rmdir()
        begun.path.rename(self.path)

    def files(self) -> list[Path]:
        return sorted(file for file in self.path.rglob("*") if file.is_file() and file != self.manifest)

    def read(self) -> dict[str, Any]:
        """The manifest. ConfigError when this is no backup, or not as it was written."""
        try:
            content: dict[str, Any] = json.loads(self.manifest.read_text())
        except (OSError, ValueError) as error:
            raise ConfigError(f"--from {self.path}: no backup: its manifest.json cannot be read ({error}).") from error
        if content.get("format") != FORMAT:
            raise ConfigError(
                f"--from {self.path}: format {content.get('format')}, not {FORMAT}. Use the version that wrote it."
            )
        for name, wanted in content["files"].items():
            file = self.path / name
            if not file.is_file() or checksum(file) != wanted:
                raise ConfigError(f"--from {self.path}: {name} is missing or damaged. Take another backup.")
        return content


def checksum(file: Path) -> str:
    with file.open("rb") as source:
        return hashlib.file_digest(source, "blake2b").hexdigest()
