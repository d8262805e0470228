"""The systemd units: one per service, hardened, in order, and what they start exists."""

from __future__ import annotations

import configparser
import importlib.util
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from repository import ROOT
from trading_core.__main__ import FUNCTIONS
from trading_core.__main__ import MODULES as COMMANDS
from trading_core.supervise.services import MODULES

UNITS = ROOT / "deploy" / "systemd"
SERVICES = sorted(UNITS.glob("*.service"))
HARDENED = {
    "NoNewPrivileges": "true",
    "ProtectSystem": "strict",
    "ProtectHome": "true",
    "PrivateTmp": "true",
    "PrivateDevices": "true",
    "CapabilityBoundingSet": "",
    "SystemCallFilter": "@system-service",
    "User": "paper-trading",
}


def section(file: Path, name: str) -> dict[str, str]:
    """Settings of one section; of a repeated one the last value."""
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string(file.read_text())
    return dict(parser[name])


def test_every_service_of_the_platform_has_a_unit_that_the_target_wants() -> None:
    wanted = section(UNITS / "paper-trading.target", "Unit")["Wants"].split()
    assert {f"paper-trading-{name}.service" for name in (*MODULES, "archive", "parity", "setup")} == set(wanted)
    assert set(wanted) <= {file.name for file in SERVICES}


@pytest.mark.parametrize("file", SERVICES, ids=lambda file: file.stem)
def test_a_unit_is_hardened_and_starts_what_exists(file: Path) -> None:
    service = section(file, "Service")
    assert {key: service[key] for key in HARDENED} == HARDENED
    modules = re.findall(r"^ExecStart=.*python -m (\w+)(?: ([a-z-]+))?", file.read_text(), re.M)
    assert modules
    for module, command in modules:
        assert importlib.util.find_spec(module) is not None
        assert module != "trading_core" or command in {**COMMANDS, **FUNCTIONS}


@pytest.mark.parametrize(
    "file", [file for file in SERVICES if "Type=exec" in file.read_text()], ids=lambda file: file.stem
)
def test_a_service_waits_for_its_setup_and_stays_down_when_a_person_must_act(file: Path) -> None:
    assert "paper-trading-setup.service" in section(file, "Unit")["After"].split()
    service = section(file, "Service")
    assert (service["Restart"], service["RestartPreventExitStatus"]) == ("on-failure", "2")
    assert file.read_text().count("EnvironmentFile=/etc/paper-trading/") == 2


@pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="no systemd-analyze here: the other tests parse them"
)
def test_systemd_itself_finds_nothing_wrong(tmp_path: Path) -> None:
    """Against a root of its own, where the programs and the user of the units are there."""
    for file in UNITS.iterdir():
        text = file.read_text().replace("/opt/paper-trading/.venv/bin/python", shutil.which("true") or "/bin/true")
        (tmp_path / file.name).write_text(
            text.replace("User=paper-trading", "User=root").replace("Group=paper-trading\n", "")
        )
    files = sorted(str(file) for file in tmp_path.iterdir())
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *files], capture_output=True, text=True, timeout=60, check=False
    )
    ours = [line for line in done.stderr.splitlines() if "paper-trading" in line]
    # systemd before 254 does not know these two, says so and ignores them.
    newer = ("RestartSteps", "RestartMaxDelaySec")
    assert [line for line in ours if not any(f"Unknown key '{key}'" in line for key in newer)] == [], done.stderr
