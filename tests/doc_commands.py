"""The commands of the documentation, as a reader finds them: fenced `sh` and `sql` blocks, page by page."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from repository import ROOT

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
MARK = "*Not run by a test: "
_COMMENT = {"sql": r"\s*--.*", "sh": r"(^|\s+)#.*", "text": r"\s{2,}.*"}
"""What ends a command; `text` is what a command says with --help."""
_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.M | re.S)


@dataclass(frozen=True)
class Block:
    """`not_run` is what the page says in front of it about why no test runs it; empty: one does."""

    page: Path
    line: int
    kind: str
    text: str
    not_run: str

    @property
    def where(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"

    @property
    def commands(self) -> list[str]:
        """One each, without comments; continued lines are joined."""
        whole = re.sub(r"\\\n\s*", "", self.text)
        lines = [re.sub(_COMMENT.get(self.kind, ""), "", line.strip()) for line in whole.splitlines()]
        return [line for line in lines if line]


def blocks(page: Path) -> list[Block]:
    """Every fenced block of `page`."""
    text = page.read_text()
    return [
        Block(page, text.count("\n", 0, found.start()) + 1, found[1], found[2], _mark(text[: found.start()]))
        for found in _FENCE.finditer(text)
    ]


def _mark(before: str) -> str:
    """The reason in the paragraph right in front, if it is a mark."""
    paragraph = before.rstrip("\n").rpartition("\n\n")[2].replace("\n", " ")
    return paragraph.removeprefix(MARK).rstrip("*") if paragraph.startswith(MARK) else ""
