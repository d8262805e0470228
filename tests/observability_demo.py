"""A demo beside a real Prometheus that scrapes it each second, with our alerts made impatient."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from demo_stack import DemoStack, demo_stack
from prometheus_server import PrometheusServer, program
from repository import ROOT
from trading_core.db.roles import url_for
from trading_core.embedded import launch
from trading_core.testing_servers import ServiceProcess

ALERTS = ROOT / "deploy" / "prometheus" / "alerts.yml"
IMPATIENT = (
    (r"for: \w+", "for: 1s"),
    (r"\[2m\]", "[15s]"),
    (r"\[10m:30s\]", "[20s:1s]"),
    (r"\[10m\]", "[20s]"),
    (r"_waiting_seconds\) > 20", "_waiting_seconds) > 3"),
    (r"_age_seconds\) > 30", "_age_seconds) > 3"),
    (r"disk_bytes < 0\.1", "disk_bytes < 1"),
)
"""Minutes become seconds; a disk is `filling` as it is: nobody fills a disk for a test."""


RAISES = """
from trading_core.strategy import MarketSnapshot, Signal, Strategy, register


@register
class Raises(Strategy):
    \"\"\"For a test of the alert.\"\"\"

    name = "raises"
    interval = "1m"

    def evaluate(self, snapshot: MarketSnapshot) -> Signal | None:
        raise RuntimeError("as it should")
"""


class ObservedDemo(NamedTuple):
    stack: DemoStack
    prometheus: PrometheusServer

    def firing(self) -> set[str]:
        return {one["metric"]["alertname"] for one in self.prometheus.query('ALERTS{alertstate="firing"}')}

    def pid(self, name: str) -> int:
        pid: int = json.loads((self.stack.run_folder.pids / f"{name}.json").read_text())["pid"]
        return pid

    @contextlib.contextmanager
    def frozen(self, name: str) -> Iterator[None]:
        """The process stays and does nothing."""
        pid = self.pid(name)
        os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(pid, signal.SIGCONT)

    def browse(self) -> None:
        """Somebody looks at the page."""
        with contextlib.suppress(OSError), urllib.request.urlopen(f"{self.stack.address}/api/health", timeout=10):
            return

    def control(self, *words: str) -> int:
        """Exit code of the command that steers the broker."""
        command = [sys.executable, "-m", "trading_core", "control", *words, "--why", "a test"]
        folder = str(self.stack.run_folder.base)
        return subprocess.run([*command, "--run-dir", folder], cwd=ROOT, check=False, timeout=120).returncode

    def superuser(self) -> str:
        """The URL of the demo's database for its owner."""
        variables = self.stack.run_folder.environment.read_text()
        found = re.search(r"TRADING_DATABASE__URL='?([^'\s]+)", variables)
        assert found is not None
        return url_for(found[1], "postgres", self.stack.run_folder.secrets()["postgres"])


def strategies_of_which_one_raises(folder: Path) -> Path:
    """The built-in ones, and one that fails at its first grid point."""
    strategies = folder / "strategies"
    shutil.copytree(ROOT / "strategies", strategies, ignore=shutil.ignore_patterns("tests", "__pycache__"))
    (strategies / "raises").mkdir()
    for name, text in (("__init__.py", ""), ("config.yaml", "enabled: true\n"), ("strategy.py", RAISES)):
        (strategies / "raises" / name).write_text(text)
    return strategies


def impatient(folder: Path) -> Path:
    text = ALERTS.read_text()
    for pattern, instead in IMPATIENT:
        text, count = re.subn(pattern, instead, text)
        assert count, pattern
    rules = folder / "alerts.yml"
    rules.write_text(text)
    return rules


@contextlib.contextmanager
def observed_demo(folder: Path, speed: int = 300) -> Iterator[ObservedDemo]:
    """Not started yet; `begin` it, and `watch` once it is up."""
    program("prometheus")
    with demo_stack(speed) as stack:
        own = folder / "exporter.json"
        prometheus = PrometheusServer(folder / "prometheus", [stack.run_folder.targets, own], impatient(folder))
        try:
            yield ObservedDemo(stack, prometheus)
        finally:
            prometheus.stop()


@contextlib.contextmanager
def exporter_of(demo: ObservedDemo, folder: Path) -> Iterator[None]:
    """What speaks for NATS, PostgreSQL and the disk of the demo."""
    config = (demo.stack.run_folder.path / "nats" / "nats.conf").read_text()
    monitor = re.search(r'http: "([^"]+)"', config)
    assert monitor is not None
    port = launch.free_port()
    (folder / "exporter.json").write_text(
        json.dumps([{"targets": [f"127.0.0.1:{port}"], "labels": {"job": "exporter"}}])
    )
    code = "import sys; from trading_core.__main__ import main; sys.exit(main(sys.argv[1:]))"
    variables = {
        "TRADING_METRICS_PORT": str(port),
        "TRADING_DATABASE__URL": url_for(demo.superuser(), "grafana_ro", demo.stack.run_folder.secrets()["grafana_ro"]),
    }
    process = ServiceProcess("trading_core", variables, folder / "exporter.log")
    process._argv = [process._argv[0], "-c", code, "exporter", "--nats", f"http://{monitor[1]}", "--disk", "here=."]
    process.start()
    try:
        yield
    finally:
        process.terminate()
