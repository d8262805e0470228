"""What the generator writes, keeps and refuses, and how settings read it."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from trading_core.__main__ import main
from trading_core.access.secrets import FILES, NAMES, NATS_PASSWORDS, write_missing
from trading_core.config import load
from trading_core.errors import ConfigError


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [name for name in os.environ if name.startswith("TRADING_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def test_every_secret_is_written_once_and_kept(tmp_path: Path) -> None:
    assert set(write_missing(tmp_path)) == {*FILES, NATS_PASSWORDS}
    before = {path: (tmp_path / path).read_text() for path in FILES}
    assert write_missing(tmp_path) == [NATS_PASSWORDS]
    assert {path: (tmp_path / path).read_text() for path in FILES} == before
    assert len(set(before.values())) == len(set(FILES.values())) == len(NAMES)


def test_only_the_owner_reads_them(tmp_path: Path) -> None:
    write_missing(tmp_path)
    for path in (*FILES, NATS_PASSWORDS):
        assert stat.S_IMODE((tmp_path / path).stat().st_mode) == 0o600
        assert stat.S_IMODE((tmp_path / path).parent.stat().st_mode) == 0o700


def test_a_group_may_read_them_where_one_is_named(tmp_path: Path) -> None:
    write_missing(tmp_path, os.getuid(), os.getgid())
    assert stat.S_IMODE((tmp_path / "api/control_token").stat().st_mode) == 0o640


def test_a_removed_copy_comes_back_with_the_same_value(tmp_path: Path) -> None:
    write_missing(tmp_path)
    copy = tmp_path / "recorder/database_password"
    before = copy.read_text()
    copy.unlink()
    write_missing(tmp_path)
    assert copy.read_text() == before == (tmp_path / "migrate/role_recorder").read_text()


@pytest.mark.parametrize(("text", "said"), [("short", "5 characters are too few"), ("x" * 32, "must hold the same")])
def test_what_cannot_be_right_is_refused(tmp_path: Path, text: str, said: str) -> None:
    write_missing(tmp_path)
    (tmp_path / "recorder/database_password").write_text(text)
    with pytest.raises(ConfigError, match=said):
        write_missing(tmp_path)


def test_a_strategy_runner_finds_nothing_but_its_own_two_logins() -> None:
    assert {path.name for path in FILES if path.parts[0] == "strategy-runner"} == {"database_password", "nats_password"}


def test_the_command_says_what_it_did_and_no_value(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["secrets", "--dir", str(tmp_path)]) == 0
    said = capsys.readouterr().out
    assert f"{len(FILES) + 1} files written, 0 kept" in said
    assert not any((tmp_path / path).read_text().strip() in said for path in FILES)
    assert main(["secrets", "--dir", str(tmp_path), "--owner", "me"]) == 2


def test_settings_read_passwords_from_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "secret").write_text("p@ss/word-of-16-characters\n")
    monkeypatch.setenv("TRADING_DATABASE__URL", "postgresql://recorder@postgres:5432/trading")
    monkeypatch.setenv("TRADING_NATS__URL", "nats://recorder@a:4222,nats://recorder@b:4222")
    for variable in ("DATABASE__PASSWORD", "NATS__PASSWORD", "API__CONTROL_TOKEN"):
        monkeypatch.setenv(f"TRADING_{variable}_FILE", str(tmp_path / "secret"))
    settings = load()
    assert settings.database.url == "postgresql://recorder:p%40ss%2Fword-of-16-characters@postgres:5432/trading"
    assert settings.nats.url.count("p%40ss%2Fword-of-16-characters@") == 2
    token = settings.api.control_token
    assert token is not None
    assert token.get_secret_value() == "p@ss/word-of-16-characters"
    monkeypatch.setenv("TRADING_API__CONTROL_TOKEN", "x" * 16)
    with pytest.raises(ConfigError, match="both set"):
        load()


@pytest.mark.parametrize(("content", "said"), [(None, "cannot be read"), ("", "is empty"), ("short", "not shown")])
def test_a_file_without_a_secret_is_named_and_no_value(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str | None, said: str
) -> None:
    if content is not None:
        (tmp_path / "token").write_text(content)
    monkeypatch.setenv("TRADING_API__CONTROL_TOKEN_FILE", str(tmp_path / "token"))
    with pytest.raises(ConfigError, match=said) as caught:
        load()
    assert "TRADING_API__CONTROL_TOKEN_FILE" in str(caught.value)
    assert "short" not in str(caught.value)
