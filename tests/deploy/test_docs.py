"""The documentation: the reference is that of the code, links lead somewhere, and commands exist."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from repository import ROOT
from trading_core.__main__ import FUNCTIONS, MODULES

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def test_the_reference_is_up_to_date() -> None:
    done = subprocess.run(
        [sys.executable, "docs/generate.py", "--check"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere_and_commands_exist(page: Path) -> None:
    text = page.read_text()
    prose = re.sub(r"^```.*?^```$", "", text, flags=re.M | re.S)
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", prose):
        if "://" not in target:
            assert (page.parent / target).exists(), target
    for line in re.findall(r"^(?:\S*/)?python -m trading_core (.*)$", text, re.M):
        words = shlex.split(line.split("#")[0].rstrip("\\ "))
        assert words[0] in {**MODULES, **FUNCTIONS, "rebuild-stream": None}, line


def test_the_index_names_every_page() -> None:
    index = (ROOT / "docs" / "README.md").read_text()
    for page in [*(ROOT / "docs" / "how-to").glob("*.md"), *(ROOT / "docs" / "concepts").glob("*.md")]:
        assert f"{page.parent.name}/{page.name}" in index, page


def test_every_command_that_finds_a_platform_by_itself_can_be_told_which() -> None:
    """The others need none, or are told by settings: they run in containers."""
    sections = (ROOT / "docs" / "reference" / "commands.md").read_text().split("\n## ")[1:-1]
    without = {section.split("\n")[0] for section in sections if "--run-dir DIR" not in section}
    assert without == {"exporter", "secrets", "check-strategy", "new-strategy"}
