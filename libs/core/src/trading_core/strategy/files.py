"""Reads a strategy's folder: its class, its `config.yaml`, and the hash of its code."""

from __future__ import annotations

import ast
import hashlib
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from trading_core.config import StrategyConfig
from trading_core.config_problems import sentences
from trading_core.errors import ConfigError
from trading_core.strategy.base import Strategy, is_registered
from trading_core.strategy.fresh import import_fresh


class _ConfigFile(BaseModel):
    """Puts the file's content where the platform's settings hold it, so that a complaint names the full key."""

    model_config = ConfigDict(extra="forbid")

    strategies: dict[str, StrategyConfig]


def read_config(folder: Path) -> StrategyConfig:
    """The strategy's own defaults; all unset when it has no `config.yaml`. ConfigError for a wrong key or value."""
    file = folder / "config.yaml"
    if not file.is_file():
        return StrategyConfig()
    try:
        values = yaml.safe_load(file.read_text(encoding="utf-8"))
        return _ConfigFile(strategies={folder.name: values or {}}).strategies[folder.name]
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file}: not valid YAML: {' '.join(str(error).split())}") from error
    except ValidationError as error:
        raise ConfigError("\n".join(sentences(error, str(file), {}, _ConfigFile))) from error


def import_class(folder: Path) -> type[Strategy]:
    """The registered class of `folder/strategy.py`, imported afresh. ConfigError when there is not exactly one.

    Afresh are also the modules of sibling folders that it imports, `from strategies.other.strategy import …`; an
    earlier import keeps its own. Compiled files are left alone: they are told apart by whole seconds only.
    """
    file = folder / "strategy.py"
    package = f"strategy_{folder.name}_{hashlib.blake2b(str(folder.resolve()).encode(), digest_size=4).hexdigest()}"
    try:
        code = import_fresh(f"{package}.strategy", folder.resolve())
    except Exception as error:  # whatever a strategy's module raises, a person must look at that file
        raise ConfigError(f"{file} cannot be imported: {type(error).__name__}: {error}. Correct the file.") from error
    classes = [item for item in vars(code).values() if is_registered(item) and item.__module__ == code.__name__]
    if len(classes) != 1:
        names = ", ".join(cls.__name__ for cls in classes) or "none"
        raise ConfigError(f"{file} must hold exactly one class with @register, found {names}.")
    found: type[Strategy] = classes[0]
    if found.name != folder.name:
        raise ConfigError(f"{file}: {found.__name__}.name must be {folder.name!r} like its folder, got {found.name!r}.")
    return found


def code_hash(folder: Path) -> str:
    """16 hex digits over the paths and bytes of its code: the package's own, and of siblings what that imports."""
    digest = hashlib.blake2b(digest_size=8)
    for file in code_files(folder):
        content = file.read_bytes()
        digest.update(f"{_relative(file, folder)}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()


def code_files(folder: Path) -> list[Path]:
    """The package's .py files without its tests, and those of sibling folders that they import, directly or not."""
    own = [file for file in folder.rglob("*.py") if file.relative_to(folder).parts[0] != "tests"]
    found = dict.fromkeys(sorted(own, key=lambda file: file.relative_to(folder).as_posix()))
    waiting = list(found)
    while waiting:
        for file in _imported_siblings(waiting.pop(), folder.parent):
            if file not in found:
                found[file] = None
                waiting.append(file)
    return list(found)


def _imported_siblings(file: Path, directory: Path) -> list[Path]:
    """Files under `directory` that `file` imports by full or relative name; none when it cannot be parsed."""
    try:
        tree = ast.parse(file.read_bytes())
    except (SyntaxError, ValueError):
        return []
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            places = [_place(alias.name, directory) for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level:
            start = file.parents[node.level - 1].joinpath(*(node.module or "").split("."))
            places = [start, *(start / alias.name for alias in node.names)]
        elif isinstance(node, ast.ImportFrom):
            start_name = node.module or ""
            places = [_place(name, directory) for name in (start_name, *(f"{start_name}.{a.name}" for a in node.names))]
        else:
            continue
        for place in places:
            found += [] if place is None else _modules_on_the_way(place, directory)
    return found


def _place(name: str, directory: Path) -> Path | None:
    first, *rest = name.split(".")
    return directory.joinpath(*rest) if first == directory.resolve().name else None


def _modules_on_the_way(place: Path, directory: Path) -> list[Path]:
    """A package runs before what is inside it."""
    if not place.is_relative_to(directory):
        return []
    parts = place.relative_to(directory).parts
    steps = [directory.joinpath(*parts[:end]) for end in range(1, len(parts) + 1)]
    return [file for step in steps for file in (step / "__init__.py", step.with_suffix(".py")) if file.is_file()]


def _relative(file: Path, folder: Path) -> str:
    return (
        file.relative_to(folder) if file.is_relative_to(folder) else Path("..", file.relative_to(folder.parent))
    ).as_posix()
