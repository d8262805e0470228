"""A black box that ends with its test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from blackbox_lab import BlackBox
from trading_core.testing_servers import OwnPostgres


@pytest.fixture
def black_box(tmp_path: Path, own_postgres: OwnPostgres) -> Iterator[Callable[[float], BlackBox]]:
    """`black_box(speed)`: not started yet."""
    made: list[BlackBox] = []

    def build(speed: float) -> BlackBox:
        made.append(BlackBox(tmp_path, own_postgres, speed))
        return made[-1]

    yield build
    for box in made:
        box.close()
