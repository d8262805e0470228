"""The containers: the same services as the embedded platform, each with no more rights than it needs."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from repository import ROOT
from trading_core.config import Settings
from trading_core.db.roles import ROLE_OF_SERVICE
from trading_core.embedded import nats
from trading_core.supervise.services import MODULES

COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]


def test_the_containers_are_the_services_of_the_embedded_platform() -> None:
    commands = {name: service["command"][2] for name, service in SERVICES.items() if name in MODULES}
    assert commands == MODULES
    beside = {"nats", "postgres", "migrate", "provision", "archive", "parity", "venue-sim"}
    assert set(SERVICES) - set(MODULES) == beside
    assert SERVICES["venue-sim"]["profiles"] == ["demo"]


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_a_container_can_write_nowhere_and_gain_nothing(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert set(service["deploy"]["resources"]["limits"]) == {"cpus", "memory"}


def test_only_the_page_is_published_and_only_to_this_machine() -> None:
    ports = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert ports == {"api": ["127.0.0.1:${PORT:-8080}:8080"]}


def test_each_service_logs_in_with_its_own_role() -> None:
    for name, role in ROLE_OF_SERVICE.items():
        assert SERVICES[name]["environment"]["TRADING_DATABASE__URL"].startswith(f"postgresql://{role}:")
    assert SERVICES["archive"]["environment"]["TRADING_DATABASE__URL"].startswith("postgresql://maintenance:")
    assert SERVICES["parity"]["environment"]["TRADING_DATABASE__URL"].startswith("postgresql://research:")
    for name in ("collector-hl", "collector-pm", "venue-sim", "provision"):
        assert "TRADING_DATABASE__URL" not in SERVICES[name].get("environment", {})


def test_one_service_writes_the_archive_and_parity_reads_it() -> None:
    mounts = {name: service["volumes"] for name, service in SERVICES.items() if "archive-data" in str(service)}
    assert mounts == {"archive": ["archive-data:/archive"], "parity": ["archive-data:/archive:ro"]}
    assert {SERVICES[name]["environment"]["TRADING_ARCHIVE__DIR"] for name in mounts} == {"/archive"}


def test_every_override_names_a_key_that_exists() -> None:
    for service in SERVICES.values():
        for variable in service.get("environment", {}):
            if "__" in variable and variable.startswith("TRADING_"):
                value: Any = Settings()
                for part in variable.removeprefix("TRADING_").lower().split("__"):
                    assert hasattr(value, part), variable
                    value = getattr(value, part)


def test_nats_accepts_its_configuration(tmp_path: Path) -> None:
    text = (ROOT / "deploy" / "nats" / "nats.conf").read_text().replace("/data", str(tmp_path))
    (tmp_path / "nats.conf").write_text(text)
    command = [str(nats.binary()), "-t", "-c", str(tmp_path / "nats.conf")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
