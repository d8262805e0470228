"""The program as it was before the newest migration, run beside the one of today."""

from __future__ import annotations

import asyncio
import io
import os
import subprocess
import sys
import tarfile
from pathlib import Path

from blackbox_lab import STOP_LIMIT_S
from chaos.platform import Platform
from chaos.run import Context
from repository import ROOT

MIGRATIONS = "migrations/versions"
WITH_SETTINGS = ("runner", "broker", "api")
"""These read config.yaml; an older program refuses the keys of a newer one, so it gets its own."""


class NoOlderProgram(Exception):
    """Why this checkout holds none."""


async def rolled_back_and_forth(platform: Platform, context: Context) -> None:
    """One service after the other becomes the older program, and then one after the other the newer again.

    So each reads what the other wrote, on streams and in PostgreSQL, and for a while all of it is the older one.
    """
    found = context.found["R18"]
    try:
        commit = await asyncio.to_thread(before_the_newest_migration)
        folder = await asyncio.to_thread(unpacked, commit, platform.folder / "older")
    except NoOlderProgram as error:
        found.leave_out(f"no older program was run beside: {error}", "broken")
        return
    for name, service in platform.services.items():
        environment = _environment(folder, name)
        await asyncio.to_thread(_check, service.module, folder, environment)
        await _exchange(platform, context, name, f"R18 {name} of {commit[:7]}", environment)
    for name in platform.services:
        await _exchange(platform, context, name, f"R18 {name} of today", {})
    found.say(f"{len(platform.services)} services one by one to {commit[:7]} and back, on today's schema")


def before_the_newest_migration(checkout: Path = ROOT) -> str:
    """The commit. NoOlderProgram where the history is not there, as in an archive or a shallow clone."""
    newest = _git(checkout, "log", "-1", "--diff-filter=A", "--format=%H", "--", MIGRATIONS).decode().strip()
    if not newest:
        raise NoOlderProgram("no commit of this checkout added a migration")
    return _git(checkout, "rev-parse", "--verify", f"{newest}^").decode().strip()


def unpacked(commit: str, folder: Path, checkout: Path = ROOT) -> Path:
    """The files of that commit, in `folder`; the checkout itself is not touched."""
    with tarfile.open(fileobj=io.BytesIO(_git(checkout, "archive", commit))) as archive:
        archive.extractall(folder, filter="data")
    return folder


def _git(checkout: Path, *arguments: str) -> bytes:
    try:
        return subprocess.run(["git", *arguments], cwd=checkout, check=True, capture_output=True).stdout
    except (OSError, subprocess.CalledProcessError) as error:
        raise NoOlderProgram(f"git {arguments[0]} found no older commit in this checkout") from error


def _environment(folder: Path, name: str) -> dict[str, str]:
    """Its own packages come before the installed ones; the dependencies are those of today."""
    sources = [folder / "libs" / "core" / "src", *sorted(folder.glob("services/*/src"))]
    settings = {"TRADING_CONFIG": str(folder / "config.yaml")} if name in WITH_SETTINGS else {}
    return {"PYTHONPATH": os.pathsep.join(map(str, sources)), **settings}


def _check(module: str, folder: Path, environment: dict[str, str]) -> None:
    """Python really finds the older one there."""
    ask = f"import {module}, trading_core; print({module}.__path__[0], trading_core.__path__[0])"
    asked = subprocess.run(
        [sys.executable, "-c", ask], env={**os.environ, **environment}, check=True, capture_output=True, text=True
    )
    assert all(Path(place).is_relative_to(folder) for place in asked.stdout.split()), asked.stdout


async def _exchange(platform: Platform, context: Context, name: str, what: str, environment: dict[str, str]) -> None:
    """SIGTERM, the other program in its place, and what it makes is up to date again."""
    context.step(what)
    service, begin_ms = platform.services[name], platform.venue_ms()
    assert await asyncio.to_thread(service.terminate, STOP_LIMIT_S) == 0
    service.start(**environment)
    await platform.back(name)
    if service is platform.collector:
        platform.excuse("stop", begin_ms)
    await platform.all_back()
