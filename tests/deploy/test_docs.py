"""The documentation: the reference is that of the code, links lead somewhere, and commands are ones that there are.

That they work is for `test_doc_commands`, by hand; here nothing is run.
"""

from __future__ import annotations

import argparse
import importlib
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from doc_commands import PAGES, blocks
from repository import ROOT
from trading_core.__main__ import FUNCTIONS, MODULES

COMMAND = re.compile(r"^(?:\S*/)?python -m trading_core (?=[a-z])")
LOOKS_LIKE_ONE = re.compile(r"^((\S*/)?python -m|make|docker|nats|curl|sudo|systemctl|export) ", re.M)


def test_the_reference_is_up_to_date() -> None:
    done = subprocess.run(
        [sys.executable, "docs/generate.py", "--check"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    text = page.read_text()
    prose = re.sub(r"^```.*?^```$", "", text, flags=re.M | re.S)
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", prose):
        if "://" not in target:
            assert (page.parent / target).exists(), target


def parser_of(name: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(name, exit_on_error=False)
    if name not in FUNCTIONS:
        importlib.import_module(MODULES[name][0]).add_arguments(parser)
    return parser


def test_every_option_of_every_command_exists() -> None:
    """Of those in blocks, and of those within a sentence."""
    written = [(one.where, command) for page in PAGES for one in blocks(page) for command in one.commands]
    for page in PAGES:
        inline = re.findall(r"(?<!`)`([^`\n]+)`", page.read_text())
        written += [(page.name, text) for text in inline if "…" not in text and "[" not in text]
    wrong, seen = [], 0
    for where, text in written:
        if (begin := COMMAND.match(text)) and not text.endswith("--help"):
            name, *words = shlex.split(text[begin.end() :])
            seen += 1
            try:
                parser_of(name).parse_args(words)
            except (KeyError, SystemExit, argparse.ArgumentError) as error:
                wrong.append(f"{where}: {text}: {error}")
    assert not wrong, "\n".join(wrong)
    assert seen > 60, "the pattern finds them"


def test_what_looks_like_a_command_is_marked_as_one() -> None:
    """So that it is run, or says that it is not."""
    unmarked = [one.where for page in PAGES for one in blocks(page) if not one.kind and LOOKS_LIKE_ONE.search(one.text)]
    assert unmarked == []


def test_the_index_names_every_page() -> None:
    index = (ROOT / "docs" / "README.md").read_text()
    for page in [*(ROOT / "docs" / "how-to").glob("*.md"), *(ROOT / "docs" / "concepts").glob("*.md")]:
        assert f"{page.parent.name}/{page.name}" in index, page


def test_every_command_that_finds_a_platform_by_itself_can_be_told_which() -> None:
    """The others need none, or are told by settings: they run in containers."""
    sections = (ROOT / "docs" / "reference" / "commands.md").read_text().split("\n## ")[1:-1]
    without = {section.split("\n")[0] for section in sections if "--run-dir DIR" not in section}
    assert without == {"exporter", "secrets", "check-strategy", "new-strategy"}
