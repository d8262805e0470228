"""NATS and PostgreSQL of the integration tests as containers, for machines where a Docker daemon answers.

Nobody waits for what is not there: without a socket, a daemon or an image these say None within two seconds.
"""

from __future__ import annotations

import contextlib
import os
import warnings
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from testcontainers.core.container import DockerContainer

SWITCH = "TEST_CONTAINERS"
NATS_IMAGE, POSTGRES_IMAGE = "nats:2.15-alpine", "postgres:18"
LIMIT_S = 60
ASK_S = 2
_NATS = 'jetstream {store_dir: "/tmp/js", max_memory_store: 256MB, max_file_store: 1TB}'
_POSTGRES = "postgres -c max_connections=120 -c fsync=off -c synchronous_commit=off -c full_page_writes=off"


@cache
def daemon_answers() -> bool:
    """TEST_CONTAINERS=0 says no."""
    address = urlsplit(os.environ.get("DOCKER_HOST") or "unix:///var/run/docker.sock")
    if os.environ.get(SWITCH) == "0" or (address.scheme == "unix" and not Path(address.path).is_socket()):
        return False
    import docker
    from docker.errors import DockerException

    try:
        client = docker.from_env(timeout=ASK_S)
        client.ping()
    except DockerException:
        return False
    client.close()
    return True


@contextlib.contextmanager
def nats() -> Iterator[str | None]:
    """The URL of a nats-server with JetStream and an empty store."""
    command = ["-c", f"echo '{_NATS}' > /tmp/nats.conf && exec nats-server -c /tmp/nats.conf"]
    image = os.environ.get("NATS_IMAGE", NATS_IMAGE)
    with _started(image, 4222, "Server is ready", entrypoint="sh", command=command) as address:
        yield None if address is None else f"nats://{address}"


@contextlib.contextmanager
def postgres() -> Iterator[str | None]:
    """The URL of a PostgreSQL for its superuser. It asks for no password, as the one from the wheel."""
    image = os.environ.get("POSTGRES_IMAGE", POSTGRES_IMAGE)
    environment = {"POSTGRES_HOST_AUTH_METHOD": "trust"}
    # The server which only fills the empty cluster is ready too, but listens nowhere.
    ready = "(?s)listening on IPv4 address.*ready to accept connections"
    with _started(image, 5432, ready, command=_POSTGRES, environment=environment) as address:
        yield None if address is None else f"postgresql://postgres@{address}/postgres"


@contextlib.contextmanager
def _started(image: str, port: int, ready: str, **options: Any) -> Iterator[str | None]:
    """`host:port` of a container that said `ready`; None, and a warning, when there is a daemon but it cannot run."""
    container = _run(image, port, ready, **options) if daemon_answers() else None
    if container is None:
        yield None
        return
    try:
        yield f"{container.get_container_host_ip()}:{container.get_exposed_port(port)}"
    finally:
        container.stop()


def _run(image: str, port: int, ready: str, **options: Any) -> DockerContainer | None:
    from docker.errors import DockerException
    from testcontainers.core.container import DockerContainer
    from testcontainers.core.wait_strategies import LogMessageWaitStrategy

    container = DockerContainer(image, env=options.pop("environment", None), ports=[port], **options)
    container.waiting_for(LogMessageWaitStrategy(ready).with_startup_timeout(LIMIT_S))
    try:
        return container.start()
    except (DockerException, TimeoutError, RuntimeError) as error:
        warnings.warn(f"{image} could not be run, so the server of the wheel is used: {error}", stacklevel=2)
        with contextlib.suppress(Exception):
            container.stop()
        return None
