"""Supervised processes: restarts, clean stops, leftovers of a killed supervisor."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from trading_core.access.users import USERS
from trading_core.embedded.launch import Launch, free_port
from trading_core.errors import ConfigError, TradingError
from trading_core.supervise import command, pids
from trading_core.supervise.attach import newest, newest_bus, newest_database, running
from trading_core.supervise.child import Child
from trading_core.supervise.folder import RunFolder
from trading_core.supervise.services import MODULES, Addresses, archive_launch, parity_launch, service_launch
from trading_core.testing import eventually

WAITS = (
    "import signal, sys; signal.signal(signal.SIGTERM, lambda *_: sys.exit(0)); print('up', flush=True); signal.pause()"
)
DEAF = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); signal.pause()"


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    made = RunFolder(tmp_path / "run", "demo")
    made.prepare()
    return made


class Said(list[str]):
    def about(self, words: str) -> bool:
        return any(words in line for line in self)


def a_child(folder: RunFolder, said: Said, program: str, *, may_finish: bool = False) -> Child:
    async def is_up(child: Child) -> bool:
        return child.log.read_text().count("up") > len(child.exit_codes)

    plan = Launch("worker", (sys.executable, "-c", program), signal.SIGTERM)
    return Child("worker", folder, lambda: plan, is_up, said.append, may_finish=may_finish)


def pid_of(folder: RunFolder) -> int:
    import json

    return int(json.loads((folder.pids / "worker.json").read_text())["pid"])


async def test_a_killed_process_is_started_again_and_the_console_says_so(folder: RunFolder) -> None:
    said = Said()
    child = a_child(folder, said, WAITS)
    await child.start()
    first = pid_of(folder)
    os.kill(first, signal.SIGKILL)
    await eventually(lambda: said.about("worker is back"))
    assert said[0] == "worker was ended by SIGKILL; starting it again in 0.5 s"
    assert pid_of(folder) != first
    assert await child.stop() == 0
    assert list(folder.pids.iterdir()) == []


async def test_one_that_ends_at_once_is_reported_with_the_end_of_its_log(folder: RunFolder) -> None:
    child = a_child(folder, Said(), "print('no such table'); raise SystemExit(1)")
    with pytest.raises(TradingError, match="worker ended with code 1: no such table"):
        await child.start()
    refused = a_child(folder, Said(), "print('broker.x is wrong'); raise SystemExit(2)")
    with pytest.raises(ConfigError, match=r"broker\.x is wrong"):
        await refused.start()


async def test_one_that_does_not_listen_is_killed_by_its_own_id(
    folder: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trading_core.supervise.child.STOP_LIMIT_S", 0.3)
    said = Said()
    child = a_child(folder, said, DEAF)
    await child.start()
    assert await child.stop() == -signal.SIGKILL
    assert said.about("did not stop within")


async def test_one_that_is_stopped_before_it_could_listen_has_stopped_cleanly(folder: RunFolder) -> None:
    """What needs no heartbeat counts as ready at once, while Python still starts."""

    async def at_once(_child: Child) -> bool:
        return True

    plan = Launch("worker", (sys.executable, "-c", "import time; time.sleep(60)"), signal.SIGTERM)
    child = Child("worker", folder, lambda: plan, at_once, Said().append, announces=False)
    await child.start()
    assert await child.stop() == 0


async def test_one_that_may_finish_is_left_alone_when_it_has(folder: RunFolder) -> None:
    said = Said()
    child = a_child(folder, said, "print('up', flush=True)", may_finish=True)
    await child.start()
    await asyncio.wait_for(child.finished.wait(), 60)
    assert said == []
    assert await child.stop() == 0


def test_leftovers_are_ended_and_strangers_with_a_reused_id_are_not(folder: RunFolder) -> None:
    leftover = subprocess.Popen([sys.executable, "-c", WAITS], stdout=subprocess.PIPE)
    stranger = subprocess.Popen([sys.executable, "-c", WAITS], stdout=subprocess.PIPE)
    try:
        for process in (leftover, stranger):
            assert process.stdout is not None
            process.stdout.readline()
        pids.remember(folder.pids, "recorder", leftover.pid, signal.SIGTERM)
        pids.remember(folder.pids, "api", stranger.pid, signal.SIGTERM)
        file = folder.pids / "api.json"
        file.write_text(file.read_text().replace('"started": ', '"started": 1'))
        said = Said()
        pids.end_leftovers(folder.pids, said.append)
        assert leftover.wait(30) == 0
        assert stranger.poll() is None
        assert said == [f"ending recorder of an earlier start (process {leftover.pid})"]
        assert list(folder.pids.iterdir()) == []
    finally:
        for process in (leftover, stranger):
            process.kill()
            process.wait()
            assert process.stdout is not None
            process.stdout.close()


def test_only_one_platform_uses_a_folder(folder: RunFolder) -> None:
    with folder.lock(), pytest.raises(ConfigError, match="is in use by a platform that already runs"):
        folder.lock()
    with folder.lock():
        pass


def test_passwords_are_made_once_and_private(folder: RunFolder) -> None:
    first = folder.secrets()
    assert folder.secrets() == first
    assert len(set(first.values())) == len(first)
    assert (folder.path / "secrets").stat().st_mode & 0o777 == 0o600
    folder.reset()
    assert folder.secrets() != first


def test_each_service_gets_its_own_login_and_no_other() -> None:
    addresses = Addresses(
        {name: f"nats://{name}" for name in USERS},
        "postgresql://postgres:root@127.0.0.1:5000/trading",
        "127.0.0.1",
        8080,
        9000,
    )
    secrets = {role: f"secret-of-{role}" for role in ("recorder", "broker", "runner_ro", "api_ro", "control_token")}
    for name in MODULES:
        environment = service_launch(name, addresses, secrets, demo_speed=300, metrics_port=1).environment
        assert "root" not in environment["TRADING_DATABASE__URL"]
        assert environment["TRADING_EXCHANGES__HYPERLIQUID__BASE_URL"] == "http://127.0.0.1:9000"
        assert "300×" in environment["TRADING_API__DATA_NOTICE"]
        assert not [key for key in environment if key.startswith(("TRADING_BROKER", "TRADING_STRATEGIES"))]
        assert environment["TRADING_NATS__URL"] == f"nats://{name}"
        assert ("TRADING_API__CONTROL_TOKEN" in environment) == (name == "api")
    live = service_launch("collector-hl", addresses, secrets, demo_speed=None, metrics_port=1).environment
    assert not [key for key in live if key.startswith(("TRADING_EXCHANGES", "TRADING_API"))]
    assert "secret" not in str(live)


def test_a_person_s_own_logins_and_tokens_stay_with_the_person(
    folder: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Strategies are code of others: what runs them sees settings, and nothing that opens another door."""
    doors = ("CLOUD_SECRET_KEY", "GITHUB_TOKEN", "TRADING_DATABASE__PASSWORD", "TRADING_ROLE_PASSWORD_BROKER")
    for name in (*doors, "TRADING_API__READ_TOKEN", "https_proxy"):
        monkeypatch.setenv(name, "a value of sixteen")
    monkeypatch.setenv("TRADING_DATABASE__URL", "postgresql://me@elsewhere/trading")
    monkeypatch.setenv("TRADING_LOGGING__LEVEL", "debug")
    addresses = Addresses(
        {name: f"nats://{name}" for name in USERS}, "postgresql://postgres@127.0.0.1:5000/t", "127.0.0.1", 8080, 9000
    )
    secrets = dict.fromkeys(("recorder", "broker", "runner_ro", "api_ro", "control_token"), "x")
    for name in MODULES:
        seen = service_launch(name, addresses, secrets, demo_speed=None, metrics_port=1).whole_environment()
        assert not set(doors) & set(seen), name
        assert {"TRADING_LOGGING__LEVEL", "https_proxy", "PATH"} <= set(seen), name
        assert "elsewhere" not in seen["TRADING_DATABASE__URL"], name
        assert ("TRADING_API__READ_TOKEN" in seen) == (name == "api")
    server = folder.nats_server(1, 2).prepare().whole_environment()
    assert not [name for name in server if name.startswith(("TRADING_", "CLOUD", "GITHUB"))]


def test_what_left_the_database_is_where_both_that_need_it_look(
    folder: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    addresses = Addresses(
        {name: f"nats://{name}" for name in USERS},
        "postgresql://postgres:root@127.0.0.1:5000/trading",
        "127.0.0.1",
        8080,
        9000,
    )
    for role, launch in (("maintenance", archive_launch), ("research", parity_launch)):
        environment = launch(folder, addresses, {role: "its-own"}).environment
        assert environment["TRADING_DATABASE__URL"] == f"postgresql://{role}:its-own@127.0.0.1:5000/trading"
        assert environment["TRADING_ARCHIVE__DIR"] == str(folder.archive)
        with monkeypatch.context() as own:
            own.setenv("TRADING_ARCHIVE__DIR", "/mnt/archive")
            assert "TRADING_ARCHIVE__DIR" not in launch(folder, addresses, {role: "its-own"}).environment


def test_a_taken_port_is_one_sentence(tmp_path: Path) -> None:
    import argparse

    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    port = free_port()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", port))
        taken.listen()
        words = ["--demo", "--port", str(port), "--run-dir", str(tmp_path)]
        with pytest.raises(ConfigError, match=f"Port {port} is taken by another program.*PORT={port + 1}"):
            command.run(parser.parse_args(words))


def test_commands_find_the_newest_run(folder: RunFolder) -> None:
    assert newest(folder.base) is None
    folder.lock().close()
    folder.secrets()
    assert newest(folder.base) == folder
    with pytest.raises(ConfigError, match="still starting"):
        running(folder)
    folder.environment.write_text("export TRADING_NATS__URL='nats://a b'\n")
    assert running(folder) == {"TRADING_NATS__URL": "nats://a b"}


@pytest.mark.parametrize("own_nats", ["", "nats://127.0.0.1:9"])
def test_a_command_on_the_streams_finds_both_servers_and_leaves_what_a_person_set(
    folder: RunFolder, monkeypatch: pytest.MonkeyPatch, own_nats: str
) -> None:
    monkeypatch.chdir(folder.base)
    for name in ("TRADING_DATABASE__URL", "TRADING_NATS__URL"):
        monkeypatch.delenv(name, raising=False)
    if own_nats:
        monkeypatch.setenv("TRADING_NATS__URL", own_nats)
    password = folder.secrets()["research"]
    variables = {"TRADING_DATABASE__URL": "postgresql://research@db:1/trading", "TRADING_NATS__URL": "nats://bus:2"}
    with folder.lock():
        folder.environment.write_text("".join(f"export {name}='{value}'\n" for name, value in variables.items()))
        with newest_database(folder.base, start=False, nats=True):
            assert os.environ["TRADING_DATABASE__URL"] == f"postgresql://research:{password}@db:1/trading"
            assert os.environ["TRADING_NATS__URL"] == (own_nats or "nats://bus:2")
        assert os.environ.get("TRADING_NATS__URL", "") == own_nats
        assert "TRADING_DATABASE__URL" not in os.environ


def test_provision_finds_the_running_platform_as_the_user_who_may(
    folder: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TRADING_NATS__URL", raising=False)
    with folder.lock():
        password = folder.secrets()["nats_provision"]
        with newest_bus(folder.base, user="provision"):
            assert "TRADING_NATS__URL" not in os.environ, "it does not run yet"
        folder.environment.write_text("export TRADING_NATS__URL='nats://tap:secret@127.0.0.1:4'\n")
        with newest_bus(folder.base, user="provision"):
            assert os.environ["TRADING_NATS__URL"] == f"nats://provision:{password}@127.0.0.1:4"
        assert "TRADING_NATS__URL" not in os.environ


def test_the_command_line_answers_without_a_traceback(tmp_path: Path) -> None:
    def call(*words: str) -> subprocess.CompletedProcess[str]:
        program = [sys.executable, "-m", "trading_core", *words]
        return subprocess.run(program, cwd=tmp_path, capture_output=True, text=True, check=False)

    (tmp_path / "config.yaml").write_text("api: {port: eighty}")
    wrong = call("provision")
    assert wrong.returncode == 2
    assert wrong.stderr.startswith("trading_core: config.yaml: api.port must be a whole number, got 'eighty'.")
    assert "Traceback" not in wrong.stderr
    assert "examples:" in call("--help").stdout
