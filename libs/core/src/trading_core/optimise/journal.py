"""Where outcomes are kept while a search goes on: nowhere, or in a file of lines. The database is in `postgres.py`."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import msgspec

from trading_core.errors import ConfigError
from trading_core.optimise.figures import Outcome
from trading_core.optimise.study import Study
from trading_core.optimise.verdict import Judgement


class Store(Protocol):
    """Outcomes of one study."""

    place: str | None
    """For a person; None when nothing is kept."""

    def load(self) -> list[Outcome]:
        """What an earlier run of the same study left."""
        ...

    def save(self, outcome: Outcome) -> None:
        """Kept from now on, whatever happens to this process."""
        ...

    def finish(self, judgement: Judgement | None, best: int | None) -> str | None:
        """Keep what came out; what to tell about it."""
        ...

    def close(self) -> None: ...


class Memory:
    """Keeps nothing."""

    place: str | None = None

    def load(self) -> list[Outcome]:
        return []

    def save(self, outcome: Outcome) -> None:
        pass

    def finish(self, judgement: Judgement | None, best: int | None) -> str | None:
        return None

    def close(self) -> None:
        pass


class Journal:
    """One file for each study: a line of JSON for each outcome. A line cut off by a crash counts for nothing."""

    def __init__(self, folder: Path, study: Study) -> None:
        self._file = folder / f"{study.key}.jsonl"
        self.place: str | None = str(self._file)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._lines = self._file.open("a+b")
        except OSError as error:
            raise ConfigError(
                f"{self._file}: cannot be written: {error.strerror}. Say --no-save to keep nothing."
            ) from error

    def load(self) -> list[Outcome]:
        self._lines.seek(0)
        content = self._lines.read()
        whole = content.rpartition(b"\n")[0]
        if len(whole) + 1 < len(content):
            self._lines.truncate(len(whole) + 1 if whole else 0)
        return [msgspec.json.decode(line, type=Outcome) for line in whole.splitlines()]

    def save(self, outcome: Outcome) -> None:
        self._lines.write(msgspec.json.encode(outcome) + b"\n")
        self._lines.flush()

    def finish(self, judgement: Judgement | None, best: int | None) -> str | None:
        return f"Sets are kept in {self._file}; the same command reads them back."

    def close(self) -> None:
        self._lines.close()
