"""What code does besides computing, as far as the interpreter tells: files, sockets, processes, clocks, chance."""

from __future__ import annotations

import ast
import sys
import sysconfig
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

_EVENTS = ("socket.", "subprocess.", "os.system", "os.exec", "os.posix_spawn", "os.fork", "sqlite3.", "urllib.")
_FILES = frozenset({"open", "os.listdir", "os.scandir", "glob.glob"})
_OWN = tuple({sys.prefix, sys.base_prefix, *sysconfig.get_paths().values(), "/usr/lib", "/usr/share", "/proc", "/sys"})
_CODE = (".py", ".pyc", ".so", ".pth", ".pyd", ".dylib")
_CLOCKS = frozenset({"time", "time_ns", "monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns", "now"})
_CLOCKS |= frozenset({"utcnow", "today", "localtime", "gmtime", "sleep"})
_CHANCE = frozenset({"random", "secrets", "uuid"})
_READERS = ("read_", "scan_")
_listener: list[Callable[[str, str], None]] = []
_hooked = False
_busy = False


@contextmanager
def observed(package: str, folder: Path) -> Iterator[set[str]]:
    """Sentences about what the code of `package`, in `folder`, did meanwhile.

    Reading code, libraries and the strategy's settings does not count: the platform does.
    """
    found: set[str] = set()
    own = str(folder / "config.yaml")
    _install()
    _listener.append(lambda event, path: found.add(f"{event}: {path}") if path != own else None)
    sys.setprofile(_profile(package, found))
    try:
        yield found
    finally:
        sys.setprofile(None)
        _listener.clear()


def readers(folder: Path) -> set[str]:
    """Calls that load tables by native code, which the interpreter does not hear: `read_parquet`, `scan_csv`."""
    found: set[str] = set()
    for file in sorted(folder.glob("**/*.py")):
        if file.relative_to(folder).parts[0] == "tests":
            continue
        for node in ast.walk(ast.parse(file.read_bytes())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute | ast.Name):
                name = node.func.attr if isinstance(node.func, ast.Attribute) else node.func.id
                if name.startswith(_READERS):
                    found.add(f"loads a table: {name} in {file.name}, line {node.lineno}")
    return found


def _install() -> None:
    """An audit hook stays for the life of the process; it speaks only while somebody listens."""
    global _hooked
    if not _hooked:
        sys.addaudithook(_heard)
        _hooked = True


def _heard(event: str, details: tuple[Any, ...]) -> None:
    global _busy
    if not _listener or _busy:
        return
    _busy = True  # looking at a path is heard as well
    try:
        if event in _FILES:
            path = details[0] if details else None
            if isinstance(path, str | bytes) and not _is_code(path.decode() if isinstance(path, bytes) else path):
                _listener[0]("reads or writes a file", str(path))
        elif event.startswith(_EVENTS):
            _listener[0]("leaves the process", event)
    finally:
        _busy = False


def _is_code(path: str) -> bool:
    """Also a folder that an import looks through, which is asked for by its name."""
    return path.endswith(_CODE) or path.startswith(_OWN) or path in sys.path or "__pycache__" in path or _holds(path)


def _holds(path: str) -> bool:
    return Path(path).is_dir() and any(Path(path).glob("*.py"))


def _profile(package: str, found: set[str]) -> Callable[[FrameType, str, Any], None]:
    def profile(frame: FrameType, event: str, function: Any) -> None:
        if event == "c_call" and _of(frame, package):
            name, owner = function.__name__, getattr(function, "__self__", None)
            module = getattr(function, "__module__", None) or type(owner).__module__
            home = getattr(owner, "__module__", None) or getattr(owner, "__name__", module)
            if name in _CLOCKS and {module, home} & {"time", "datetime"}:
                found.add(f"reads the clock: {name}")
            elif {module, home} & _CHANCE or home == "_random":
                found.add(f"depends on chance: {name}")
        elif event == "call" and frame.f_back is not None and _of(frame.f_back, package):
            home = str(frame.f_globals.get("__name__", ""))
            if home in _CHANCE:
                found.add(f"depends on chance: {frame.f_code.co_name}")

    return profile


def _of(frame: FrameType, package: str) -> bool:
    name = str(frame.f_globals.get("__name__", ""))
    return name == package or name.startswith(f"{package}.")
