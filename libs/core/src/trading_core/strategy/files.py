"""Reads a strategy's folder: its class, its `config.yaml`, and the hash of its code."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import sys
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from trading_core.config import StrategyConfig
from trading_core.config_problems import sentences
from trading_core.errors import ConfigError
from trading_core.strategy.base import Strategy, is_registered


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
    """The registered class of `folder/strategy.py`, imported afresh. ConfigError when there is not exactly one."""
    file = folder / "strategy.py"
    package = f"strategy_{folder.name}_{hashlib.blake2b(str(folder.resolve()).encode(), digest_size=4).hexdigest()}"
    for name in [name for name in sys.modules if name == package or name.startswith(f"{package}.")]:
        del sys.modules[name]
    importlib.invalidate_caches()
    try:
        spec = importlib.util.spec_from_file_location(
            package, folder / "__init__.py", submodule_search_locations=[str(folder)]
        )
        if spec is None or spec.loader is None:
            raise ImportError(f"{folder / '__init__.py'} cannot be read")
        module = sys.modules[package] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        code = importlib.import_module(f"{package}.strategy")
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
    """16 hex digits over the paths and bytes of the package's .py files; its tests do not count."""
    digest = hashlib.blake2b(digest_size=8)
    for file in sorted(folder.rglob("*.py"), key=lambda path: path.relative_to(folder).as_posix()):
        relative = file.relative_to(folder)
        if relative.parts[0] != "tests":
            content = file.read_bytes()
            digest.update(f"{relative.as_posix()}\0{len(content)}\0".encode())
            digest.update(content)
    return digest.hexdigest()
