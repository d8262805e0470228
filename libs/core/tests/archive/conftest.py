"""The settings lead to the test's database and to an archive of its own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[4]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the archive is to be; it does not exist yet."""
    return tmp_path / "archive"


@pytest.fixture
def login(role_url: Callable[[str], str], folder: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """`login("research")`: from here on with the rights of that role."""
    monkeypatch.chdir(REPOSITORY)
    monkeypatch.setenv("TRADING_ARCHIVE__DIR", str(folder))
    return lambda role: monkeypatch.setenv("TRADING_DATABASE__URL", role_url(role))
