"""Process ids on disk, so that a later start finds what a killed supervisor left behind.

An id alone may have been given to another process since, so its start time is kept beside it.
"""

from __future__ import annotations

import json
import signal
from collections.abc import Callable
from pathlib import Path

import psutil


def remember(folder: Path, name: str, pid: int, stop_signal: signal.Signals) -> None:
    try:
        started = psutil.Process(pid).create_time()
    except psutil.NoSuchProcess:
        return
    content = {"pid": pid, "started": started, "stop_signal": int(stop_signal)}
    (folder / f"{name}.json").write_text(json.dumps(content))


def forget(folder: Path, name: str) -> None:
    (folder / f"{name}.json").unlink(missing_ok=True)


def end_leftovers(folder: Path, say: Callable[[str], None], limit_s: float = 8) -> None:
    """Ends the processes that `folder` names and that still are the ones it means."""
    left: list[psutil.Process] = []
    for file in sorted(folder.glob("*.json")):
        process, stop_signal = _meant(file)
        if process is not None:
            say(f"ending {file.stem} of an earlier start (process {process.pid})")
            process.send_signal(stop_signal)
            left.append(process)
        file.unlink()
    _, alive = psutil.wait_procs(left, timeout=limit_s)
    for process in alive:
        process.kill()
    psutil.wait_procs(alive, timeout=limit_s)


def _meant(file: Path) -> tuple[psutil.Process | None, signal.Signals]:
    try:
        content = json.loads(file.read_text())
        process = psutil.Process(content["pid"])
        # The kernel counts start times in hundredths of a second from boot; the boot time may be corrected since.
        same = abs(process.create_time() - content["started"]) < 2 and process.status() != psutil.STATUS_ZOMBIE
        return (process if same else None), signal.Signals(content["stop_signal"])
    except (ValueError, KeyError, psutil.Error):
        return None, signal.SIGTERM
