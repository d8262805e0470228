"""What a person sees while the platform starts and runs: spinners on a terminal, plain lines elsewhere."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator

from rich.console import Console as RichConsole
from rich.progress import Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn


class Console:
    """Steps while starting (`starting`), afterwards one line per thing that happens (`say`)."""

    def __init__(self) -> None:
        self._rich = RichConsole(highlight=False, soft_wrap=True)
        self._progress: Progress | None = None
        self._tasks: dict[str, TaskID] = {}

    @contextlib.contextmanager
    def starting(self) -> Iterator[None]:
        if not self._rich.is_terminal:
            yield
            return
        columns = (SpinnerColumn(finished_text="[green]✓"), TextColumn("{task.description}"), TimeElapsedColumn())
        with Progress(*columns, console=self._rich) as progress:
            self._progress = progress
            try:
                yield
            finally:
                self._progress = None

    @contextlib.contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Shows `name` as being worked on, and as done afterwards."""
        self.begin(name)
        yield
        self.done(name)

    def begin(self, name: str) -> None:
        if self._progress is not None:
            self._tasks[name] = self._progress.add_task(name, total=1)
        else:
            self._line(f"… {name}")

    def done(self, name: str) -> None:
        if self._progress is not None and name in self._tasks:
            self._progress.update(self._tasks[name], completed=1)
        elif self._progress is None:
            self._line(f"✓ {name}")

    def say(self, text: str) -> None:
        """One line with the time of day, above the spinners if there are any."""
        self._line(f"{time.strftime('%H:%M:%S')} {text}")

    def plain(self, text: str) -> None:
        self._line(text)

    def _line(self, text: str) -> None:
        self._rich.print(text, markup=False)
        self._rich.file.flush()
