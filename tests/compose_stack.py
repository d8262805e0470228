"""The compose project of a proof: its own name, ports and volumes on whatever Docker daemon answers."""

from __future__ import annotations

import json
import os
import re
import subprocess
import urllib.request
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import docker
import pytest
from docker.errors import DockerException, ImageNotFound
from docker.models.containers import Container

from repository import ROOT
from trading_core.embedded.launch import free_port

PROJECT = "paper-trading-proof"
IMAGES = ("paper-trading:local", "paper-trading-page:local")
UP_LIMIT_S = 900


def daemon() -> docker.DockerClient:
    """Skips, and says so, where no Docker daemon answers."""
    try:
        client = docker.from_env()
        client.ping()
    except DockerException as error:
        pytest.skip(f"No Docker daemon answers, so nothing of the containers was proved here: {error}")
    return client


class Stack:
    """Profile demo. Docker's own words go to `log`."""

    def __init__(self, client: docker.DockerClient, log: Path, speed: int) -> None:
        self._client, self._log = client, log
        self.page = f"http://127.0.0.1:{free_port()}"
        self._environment = {
            **os.environ,
            "COMPOSE_PROJECT_NAME": PROJECT,
            "SPEED": str(speed),
            "PORT": self.page.rpartition(":")[2],
            "GRAFANA_PORT": str(free_port()),
        }

    def compose(self, *arguments: str, limit_s: float = 300) -> str:
        command = ["docker", "compose", "--env-file", "deploy/demo.env", *arguments]
        done = subprocess.run(
            command, cwd=ROOT, env=self._environment, capture_output=True, text=True, check=False, timeout=limit_s
        )
        with self._log.open("a") as log:
            log.write(f"$ {' '.join(command)}\n{done.stdout}{done.stderr}\n")
        assert done.returncode == 0, f"{' '.join(command)}:\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def up(self, *services: str) -> None:
        """`services`, or everything, healthy. Without an image of Grafana, and none to be had, all but Grafana."""
        scale = [] if services or self.has_grafana() else ["--scale", "grafana=0"]
        pull = "missing" if self.has_grafana() else "never"
        wait = ["--wait", "--wait-timeout", str(UP_LIMIT_S)]
        self.compose("up", "-d", "--no-build", "--pull", pull, *wait, *scale, *services, limit_s=UP_LIMIT_S + 60)

    def has_grafana(self) -> bool:
        try:
            self._client.images.get(self._grafana())
        except ImageNotFound:
            return False
        return True

    def _grafana(self) -> str:
        return os.environ.get("GRAFANA_IMAGE", "grafana/grafana:11.6.0")

    def containers(self, service: str = "") -> list[Container]:
        labels = [f"com.docker.compose.project={PROJECT}"]
        labels += [f"com.docker.compose.service={service}"] if service else []
        return list(self._client.containers.list(all=True, filters={"label": labels}))

    def kill(self, container: Container) -> None:
        """kill -9 of all that runs in it but its init, which then ends: what `restart: unless-stopped` is for."""
        container.exec_run(["sh", "-c", "kill -9 -1"])

    def get(self, path: str) -> Any:
        """Of the page's address. AssertionError where `eventually` should ask again: it is away, or asked too often."""
        try:
            with urllib.request.urlopen(self.page + path, timeout=30) as answer:
                return json.load(answer)
        except OSError as error:
            raise AssertionError(f"{path}: {error}") from error

    def ask_postgres(self, sql: str) -> str:
        [server] = self.containers("postgres")
        code, said = server.exec_run(["psql", "-U", "postgres", "-d", "trading", "-AtX", "-c", sql])
        assert code == 0, said.decode()
        text: str = said.decode()
        return text

    def restart(self, service: str) -> None:
        """As in a rolling restart: asked to end, started again, healthy."""
        self.compose("restart", service)
        self.compose("up", "-d", "--no-recreate", "--no-deps", "--pull", "never", "--wait", *self._as_is(service))

    def _as_is(self, service: str) -> list[str]:
        return ["--scale", f"{service}={len(self.containers(service))}", service]

    def secrets(self) -> set[str]:
        """Every value that was generated for this installation."""
        shown = self._client.containers.run(
            IMAGES[0], ["sh", "-c", "cat /s/*/*"], remove=True, user="0", network_mode="none",
            volumes={f"{PROJECT}_secrets": {"bind": "/s", "mode": "ro"}},
        )  # fmt: skip
        return set(re.findall(r"\b[0-9a-f]{32}\b", shown.decode()))

    def logs(self) -> Iterable[bytes]:
        """All that the containers of the project have said, those that have ended too."""
        return (container.logs() for container in self.containers())

    def image(self, name: str) -> Iterable[bytes]:
        """How it was made, and every file of every layer."""
        image = self._client.images.get(name)
        yield json.dumps([image.history(), image.attrs]).encode()
        yield from image.save()

    def keep_evidence(self) -> str:
        """Database and streams as files beside the log; where they are."""
        [server], [bus] = self.containers("postgres"), self.containers("nats")
        _, dump = server.exec_run(["pg_dump", "-U", "postgres", "-Fc", "trading"])
        (self._log.parent / "database.dump").write_bytes(dump)
        with (self._log.parent / "streams.tar").open("wb") as file:
            file.writelines(bus.get_archive("/data")[0])
        return str(self._log.parent)

    def run(self, service: str, *command: str) -> tuple[int, str]:
        """Exit code and words of a command inside a running container."""
        [container] = self.containers(service)
        code, said = container.exec_run(list(command))
        return code, said.decode(errors="replace")
