"""Whatever decides imports no clock, chance, socket, database or HTTP library, nor a module of ours that might."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import trading_core

PACKAGE = Path(trading_core.__file__).parent
STRATEGIES = PACKAGE.parents[3] / "strategies"

PURE_FOLDERS = ("market", "strategy", "broker", "metrics", "sequence", "backtest")
PURE_FILES = (
    "bare_talib", "model", "money", "messages", "ids", "streams", "errors", "moments",
    "collect/stamp", "collect/clock", "collect/gaps", "collect/numbers", "collect/rejects",
)  # fmt: skip
SHELLS = frozenset(
    {"strategy/files.py", "strategy/fresh.py", "strategy/new.py"}
    | {f"backtest/{name}.py" for name in ("choice", "command", "jetstream", "parquet", "plot", "postgres", "recorded")}
    | {"backtest/sources.py"}
)
"""Inside a pure folder, but made to read files or to talk to a person."""
USES_A_SHELL = "strategy/registry.py"
"""The one module that hands on what a shell has read: strategies and their settings."""
SETTINGS = frozenset({"trading_core.config", "trading_core.config_problems"})
"""Types of settings, which the core is given by its callers; reading them is the shell's work."""
CLOCK = {"time", "sched", "zoneinfo"}
CHANCE = {"random", "secrets", "uuid"}
OPERATING_SYSTEM = {"os", "shutil", "signal", "subprocess", "tempfile", "multiprocessing", "threading", "concurrent"}
NETWORK = {"asyncio", "ftplib", "http", "select", "selectors", "smtplib", "socket", "socketserver", "ssl", "urllib"}
DATABASE = {"alembic", "asyncpg", "dbm", "polars", "psycopg", "psycopg2", "sqlalchemy", "sqlite3"}
SERVICES = {"aiohttp", "anyio", "docker", "fastapi", "httpx", "nats", "prometheus_client", "requests", "starlette"}
SERVICES |= {"logging", "stamina", "structlog", "tenacity", "uvicorn", "uvloop", "websockets"}
FORBIDDEN = CLOCK | CHANCE | OPERATING_SYSTEM | NETWORK | DATABASE | SERVICES
CLOCKS_AND_CHANCE = frozenset({"now", "utcnow", "today", "random", "default_rng"})
WORLD = frozenset({"open", "input", "eval", "exec", "__import__"})


def core_files() -> list[Path]:
    files = [PACKAGE / f"{name}.py" for name in PURE_FILES]
    for folder in PURE_FOLDERS:
        files += sorted((PACKAGE / folder).rglob("*.py"))
    return [file for file in files if file.relative_to(PACKAGE).as_posix() not in SHELLS]


def strategy_files() -> list[Path]:
    return sorted(STRATEGIES.glob("*/*.py"))


def module_of(file: Path) -> str:
    parts = file.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports_of(tree: ast.AST) -> Iterator[str]:
    """Every module or name imported anywhere in `tree`, inside functions too, as a dotted name."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def impurities(source: str) -> list[str]:
    """What `source` must not do: a forbidden import, or a call of something like `datetime.now` or `np.random`."""
    tree = ast.parse(source)
    found = [name for name in imports_of(tree) if name.split(".")[0] in FORBIDDEN]
    found += [name for name in imports_of(tree) if name.rpartition(".")[2] in CLOCKS_AND_CHANCE]
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(attr=name) if name in CLOCKS_AND_CHANCE:
                found.append(ast.unparse(node))
            case ast.Call(func=ast.Name(id=name)) if name in WORLD:
                found.append(name)
    return found


@pytest.mark.parametrize("file", core_files() + strategy_files(), ids=lambda file: "/".join(file.parts[-2:]))
def test_a_module_that_decides_is_pure(file: Path) -> None:
    assert impurities(file.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("file", core_files(), ids=lambda file: "/".join(file.parts[-2:]))
def test_a_module_that_decides_leans_on_pure_modules_only(file: Path) -> None:
    pure = {module_of(core) for core in core_files()} | SETTINGS | {"trading_core"}
    shells = {module_of(PACKAGE / shell) for shell in SHELLS}
    for name in imports_of(ast.parse(file.read_text(encoding="utf-8"))):
        if name.split(".")[0] == "trading_core" and file != PACKAGE / USES_A_SHELL:
            parent = name.rpartition(".")[0]
            assert name in pure or (parent in pure and name not in shells and not is_module(name)), name


def is_module(name: str) -> bool:
    path = PACKAGE.parent.joinpath(*name.split("."))
    return path.is_dir() or path.with_suffix(".py").is_file()


def test_every_module_that_decides_is_looked_at() -> None:
    names = {file.relative_to(PACKAGE).as_posix() for file in core_files()}
    assert {"market/state.py", "strategy/evaluate.py", "broker/apply.py", "backtest/engine.py", "model.py"} <= names
    assert len(strategy_files()) >= 4


@pytest.mark.parametrize(
    "source",
    [
        "import time",
        "from time import monotonic",
        "def f():\n    import socket",
        "import asyncio.queues",
        "from datetime import datetime\ndatetime.now()",
        "import datetime\ndatetime.date.today()",
        "import numpy as np\nnp.random.normal()",
        "from numpy.random import default_rng",
        "import asyncpg",
        "open('x')",
    ],
)
def test_the_check_itself_finds_an_impurity(source: str) -> None:
    assert impurities(source)


def test_the_check_itself_lets_durations_and_decimals_pass() -> None:
    assert impurities("from datetime import UTC, datetime, timedelta\nfrom decimal import Decimal\nimport math") == []
