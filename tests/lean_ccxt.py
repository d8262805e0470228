"""ccxt's client of Hyperliquid without those of the other hundred venues, which take seconds to import."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any


def _bare(name: str, folder: Path) -> ModuleType:
    """The package `name` as a folder of modules, without what its `__init__` does."""
    package = ModuleType(name)
    package.__path__ = [str(folder)]
    sys.modules[name] = package
    return package


def hyperliquid_class() -> Any:
    """`ccxt.pro.hyperliquid`."""
    if "ccxt" not in sys.modules:
        spec = importlib.util.find_spec("ccxt")
        assert spec is not None
        assert spec.submodule_search_locations
        folder = Path(spec.submodule_search_locations[0])
        whole = _bare("ccxt", folder)
        whole.async_support = _bare("ccxt.async_support", folder / "async_support")  # type: ignore[attr-defined]
        whole.pro = _bare("ccxt.pro", folder / "pro")  # type: ignore[attr-defined]
        for module in ("ccxt.base.errors", "ccxt.base.exchange"):
            vars(whole).update(vars(importlib.import_module(module)))
        rest = importlib.import_module("ccxt.async_support.hyperliquid").hyperliquid
        whole.async_support.hyperliquid = rest
    return importlib.import_module("ccxt.pro.hyperliquid").hyperliquid
