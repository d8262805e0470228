"""The containers: the same services as the embedded platform, each with no more rights than it needs."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from repository import ROOT
from trading_core.access.secrets import FILES, NAMES, nats_passwords, new_secret
from trading_core.config import Settings
from trading_core.db.roles import LOGIN_ROLES, ROLE_OF_SERVICE
from trading_core.embedded import nats
from trading_core.supervise.services import MODULES

COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]


def test_the_containers_are_the_services_of_the_embedded_platform() -> None:
    commands = {name: service["command"][2] for name, service in SERVICES.items() if name in MODULES}
    assert commands == MODULES
    beside = {"page", "secrets", "nats", "postgres", "migrate", "provision", "archive", "parity", "venue-sim"}
    beside |= {"exporter", "prometheus", "grafana"}
    assert set(SERVICES) - set(MODULES) == beside
    assert SERVICES["venue-sim"]["profiles"] == ["demo"]


@pytest.mark.parametrize("name", sorted(set(SERVICES) - {"page"}))
def test_a_container_can_write_nowhere_and_gain_nothing(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert set(service["deploy"]["resources"]["limits"]) == {"cpus", "memory", "pids"}


def test_only_the_page_is_published_and_only_to_this_machine() -> None:
    ports = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert ports == {
        "api": ["127.0.0.1:${PORT:-8080}:8080"],
        "grafana": ["127.0.0.1:${GRAFANA_PORT:-3000}:3000"],
    }


def test_each_service_logs_in_as_itself_and_is_shown_no_other_password() -> None:
    roles = ROLE_OF_SERVICE | {"archive": "maintenance", "parity": "research", "exporter": "grafana_ro"}
    users = {*MODULES, "provision"}
    for name in {*roles, *users}:
        environment = SERVICES[name]["environment"]
        [mount] = [mount for mount in SERVICES[name]["volumes"] if "secrets" in str(mount)]
        assert (mount["volume"]["subpath"], mount["target"], mount["read_only"]) == (name, "/run/secrets", True)
        files = {Path(value).name for key, value in environment.items() if key.endswith("_FILE")}
        assert {str(Path(name, file)) for file in files} <= {str(path) for path in FILES}, name
        if name in roles:
            assert environment["TRADING_DATABASE__URL"] == f"postgresql://{roles[name]}@postgres:5432/trading"
            assert "database_password" in files
        if name in users:
            assert environment["TRADING_NATS__URL"] == f"nats://{name}@nats:4222"
            assert "nats_password" in files
    for name in ("collector-hl", "collector-pm", "venue-sim", "provision"):
        assert "DATABASE" not in str(SERVICES[name].get("environment", {}))
    assert "secrets" not in str(SERVICES["venue-sim"]["volumes"])


def test_each_role_gets_the_password_that_its_service_logs_in_with() -> None:
    environment = SERVICES["migrate"]["environment"]
    given = {key: value for key, value in environment.items() if key.startswith("TRADING_ROLE_PASSWORD_")}
    assert given == {f"TRADING_ROLE_PASSWORD_{role.upper()}_FILE": f"/run/secrets/role_{role}" for role in LOGIN_ROLES}


def test_one_service_writes_the_archive_and_parity_reads_it() -> None:
    using = {name: service["volumes"] for name, service in SERVICES.items() if "archive-data" in str(service)}
    mounts = {name: [mount for mount in volumes if "archive" in mount] for name, volumes in using.items()}
    assert mounts == {"archive": ["archive-data:/archive"], "parity": ["archive-data:/archive:ro"]}
    assert {SERVICES[name]["environment"]["TRADING_ARCHIVE__DIR"] for name in mounts} == {"/archive"}


def test_every_override_names_a_key_that_exists() -> None:
    for service in SERVICES.values():
        for variable in service.get("environment", {}):
            if "__" in variable and variable.startswith("TRADING_"):
                value: Any = Settings()
                for part in variable.removeprefix("TRADING_").removesuffix("_FILE").lower().split("__"):
                    assert hasattr(value, part), variable
                    value = getattr(value, part)


def test_nats_accepts_its_configuration(tmp_path: Path) -> None:
    text = (ROOT / "deploy" / "nats" / "nats.conf").read_text().replace("/data", str(tmp_path))
    (tmp_path / "nats.conf").write_text(text)
    (tmp_path / "users.conf").write_text((ROOT / "deploy" / "nats" / "users.conf").read_text())
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "passwords.conf").write_text(nats_passwords({name: new_secret() for name in NAMES}))
    command = [str(nats.binary()), "-t", "-c", str(tmp_path / "nats.conf")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_no_password_stands_in_the_file_and_none_has_a_default() -> None:
    text = (ROOT / "docker-compose.yml").read_text()
    assert "local-only" not in text
    assert "environment" not in SERVICES["secrets"]


def test_a_release_names_every_image_by_its_digest_and_builds_none() -> None:
    class Loader(yaml.SafeLoader):
        pass

    Loader.add_constructor("!reset", lambda loader, node: None)
    release = yaml.load((ROOT / "docker-compose.release.yml").read_text(), Loader)["services"]
    assert set(release) == set(SERVICES) - {"page"}
    for name, service in release.items():
        assert ":?" in service["image"], name
        assert service.get("build") is None, name


def test_release_sh_asks_a_registry_for_every_digest_and_invents_none(tmp_path: Path) -> None:
    """`docker` here is a stand-in for a registry: it answers with a digest made of the image's name."""

    def asked(answer: str) -> subprocess.CompletedProcess[str]:
        program = tmp_path / "docker"
        program.write_text(f'#!/bin/sh\nfor image in "$@"; do :; done\n{answer}\n')
        program.chmod(0o755)
        return subprocess.run(
            ["sh", str(ROOT / "deploy" / "release.sh"), "here/paper-trading:1.2"],
            env={**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}, capture_output=True, text=True, check=False,
        )  # fmt: skip

    filled = asked('echo "sha256:$(echo "$image" | tr ":/" "--")"').stdout.splitlines()[1:]
    assert filled == [
        "PLATFORM_IMAGE=here/paper-trading@sha256:here-paper-trading-1.2",
        "NATS_DIGEST=sha256:nats-2.15-alpine",
        "POSTGRES_DIGEST=sha256:postgres-18",
        "PROMETHEUS_DIGEST=sha256:prom-prometheus-v3.5.3",
        "GRAFANA_DIGEST=sha256:grafana-grafana-11.6.0",
    ]
    names = [line.partition("=")[0] for line in filled]
    given = (ROOT / "deploy" / "release.env").read_text().splitlines()[1:]
    assert [line.partition("=")[0] for line in given] == names, "the committed file names what the program fills"
    for answer in ("exit 1", "echo nothing"):
        assert asked(answer).returncode != 0
        assert "DIGEST" not in asked(answer).stdout


def test_development_mounts_the_sources_of_every_service() -> None:
    dev = yaml.safe_load((ROOT / "docker-compose.dev.yml").read_text())["services"]
    assert set(dev) == {*MODULES, "venue-sim"}
    paths = dev["recorder"]["environment"]["PYTHONPATH"].split(":")
    assert {path.removeprefix("/src/") for path in paths} == {
        str(folder.relative_to(ROOT)) for folder in [*ROOT.glob("libs/*/src"), *ROOT.glob("services/*/src")]
    }


def test_prometheus_asks_every_service_that_has_metrics() -> None:
    config = yaml.safe_load((ROOT / "deploy" / "prometheus" / "prometheus.yml").read_text())
    assert {job["job_name"] for job in config["scrape_configs"]} == {*MODULES, "exporter", "prometheus"}
