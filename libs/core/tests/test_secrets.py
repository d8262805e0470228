"""Passwords of an installation: made once, given by whoever wants to, kept from everybody else."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from trading_core.__main__ import main
from trading_core.config import load
from trading_core.errors import ConfigError
from trading_core.secrets import NAMES


def made(folder: Path) -> dict[str, str]:
    arguments = ["secrets", "--dir", str(folder), "--database", "postgresql://postgres:5432/trading"]
    assert main(arguments) == 0
    return {name: (folder / name / "password").read_text() for name in NAMES}


def test_each_is_made_once_differs_from_the_others_and_is_its_owners_alone(tmp_path: Path) -> None:
    first = made(tmp_path)
    assert len(set(first.values())) == len(NAMES)
    assert made(tmp_path) == first
    modes = {stat.S_IMODE(file.stat().st_mode) for file in tmp_path.rglob("*") if file.is_file()}
    assert modes == {0o600}


def test_a_given_one_replaces_the_one_that_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = made(tmp_path)
    monkeypatch.setenv("SECRET_BROKER", "mine/and:odd")
    assert made(tmp_path) == before | {"broker": "mine/and:odd"}
    url = (tmp_path / "broker" / "database_url").read_text()
    assert url == "postgresql://broker:mine%2Fand%3Aodd@postgres:5432/trading"


def test_settings_are_read_from_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("TRADING_")]:
        monkeypatch.delenv(name)
    made(tmp_path)
    file = tmp_path / "recorder" / "database_url"
    monkeypatch.setenv("TRADING_DATABASE__URL_FILE", str(file))
    assert load().database.url == file.read_text()
    monkeypatch.setenv("TRADING_DATABASE__URL", "postgresql://elsewhere/trading")
    with pytest.raises(ConfigError, match="are both set"):
        load()
    monkeypatch.delenv("TRADING_DATABASE__URL")
    monkeypatch.setenv("TRADING_DATABASE__URL_FILE", str(tmp_path / "none"))
    with pytest.raises(ConfigError, match="cannot be read"):
        load()
    monkeypatch.delenv("TRADING_DATABASE__URL_FILE")
    monkeypatch.setenv("TRADING_DATABASE__ULR_FILE", str(file))
    with pytest.raises(ConfigError, match="ulr"):
        load()
