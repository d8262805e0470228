"""Which program is the older one, and what is said where there is none."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from chaos.older import MIGRATIONS, NoOlderProgram, before_the_newest_migration, unpacked


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A repository without a commit."""
    folder = tmp_path / "checkout"
    (folder / MIGRATIONS).mkdir(parents=True)
    git(folder, "init", "--quiet")
    return folder


def git(checkout: Path, *arguments: str) -> None:
    who = ["-c", "user.name=test", "-c", "user.email=test@localhost", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *who, *arguments], cwd=checkout, check=True, capture_output=True)


def commit(checkout: Path, file: str, text: str) -> None:
    (checkout / file).write_text(text)
    git(checkout, "add", ".")
    git(checkout, "commit", "--quiet", "--message", text)


def test_the_older_program_is_the_one_before_the_newest_migration(checkout: Path, tmp_path: Path) -> None:
    commit(checkout, f"{MIGRATIONS}/0001_tables.py", "tables")
    commit(checkout, "program.py", "older")
    commit(checkout, f"{MIGRATIONS}/0002_more.py", "more tables")
    commit(checkout, "program.py", "newer")
    commit(checkout, f"{MIGRATIONS}/0002_more.py", "a comment, no migration")
    older = unpacked(before_the_newest_migration(checkout), tmp_path / "older", checkout)
    assert (older / "program.py").read_text() == "older"
    assert [file.name for file in (older / MIGRATIONS).iterdir()] == ["0001_tables.py"]
    assert (checkout / "program.py").read_text() == "newer"


def test_without_history_there_is_none(checkout: Path, tmp_path: Path) -> None:
    with pytest.raises(NoOlderProgram):
        before_the_newest_migration(checkout)
    commit(checkout, f"{MIGRATIONS}/0001_tables.py", "all of it in one commit")
    with pytest.raises(NoOlderProgram):
        before_the_newest_migration(checkout)
