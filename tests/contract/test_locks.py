"""The committed locks: current, and free of host names."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from repository import ROOT

LOCKS = (ROOT / "requirements.lock", ROOT / "frontend" / "package-lock.json")
EXPORT = ("--all-packages", "--all-extras", "--all-groups", "--no-emit-workspace", "--no-header", "--format")
_PIN = re.compile(r"^[A-Za-z0-9._-]+==[^\\\n]+", re.MULTILINE)


def uv(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    program = Path(sys.prefix) / "bin" / "uv"
    return subprocess.run([str(program), *arguments], cwd=cwd, capture_output=True, text=True, check=False)


def without_hashes(text: str) -> list[str]:
    """Names, versions, markers and origins; hashes grow when a publisher adds a file for another platform."""
    lines = (line.rstrip(" \\") for line in text.splitlines())
    return [line for line in lines if line and not line.lstrip().startswith(("--hash", "#"))]


def test_the_lock_is_what_uv_exports_for_the_projects(tmp_path: Path) -> None:
    committed = LOCKS[0].read_text()
    for project in [Path("pyproject.toml"), *(p.relative_to(ROOT) for p in ROOT.glob("*/*/pyproject.toml"))]:
        (tmp_path / project).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / project, tmp_path / project)
    # The committed versions as constraints: a newer release elsewhere does not make the lock stale.
    pins = ", ".join(f'"{pin.strip()}"' for pin in _PIN.findall(committed))
    root = tmp_path / "pyproject.toml"
    root.write_text(root.read_text().replace("[tool.uv]", f"[tool.uv]\nconstraint-dependencies = [{pins}]", 1))
    locked = uv("lock", "--quiet", cwd=tmp_path)
    if locked.returncode != 0 and re.search(r"dns|connect|network|offline|timed out", locked.stderr, re.IGNORECASE):
        pytest.skip("uv cannot reach its package index, so the lock cannot be compared with a fresh one")
    assert locked.returncode == 0, locked.stderr
    fresh = uv("export", "--frozen", "--quiet", *EXPORT, "requirements.txt", cwd=tmp_path)
    assert fresh.returncode == 0, fresh.stderr
    assert without_hashes(committed) == without_hashes(fresh.stdout), "requirements.lock is stale; see CONTRIBUTING.md"


def test_every_pin_of_the_lock_carries_a_hash() -> None:
    for block in re.split(r"\n(?=\S)", LOCKS[0].read_text()):
        if _PIN.match(block):
            assert "--hash=sha256:" in block, block.splitlines()[0]


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_no_lock_names_a_host(lock: Path) -> None:
    text = re.sub(r"^\s*# .*$", "", lock.read_text(), flags=re.MULTILINE)
    found = [url for url in re.findall(r"https?://[^\s\"']+", text) if not is_a_funding_page(url)]
    assert found == []
    assert '"resolved"' not in text


def is_a_funding_page(url: str) -> bool:
    """npm copies each author's funding address into its lock; packages never come from there."""
    return "registry" not in url and not url.endswith((".tgz", ".whl", ".tar.gz"))
