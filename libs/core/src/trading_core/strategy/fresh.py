"""Imports a strategy's modules as their files are now, beside whatever version was imported before."""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import sys
from collections.abc import Sequence
from pathlib import Path
from types import CodeType, ModuleType


def import_fresh(module: str, folder: Path) -> ModuleType:
    """`module` of the package that lies in `folder`, the siblings that it imports by full name, all compiled anew.

    Compiled files are left alone: they are told apart by whole seconds only. Raises whatever the code raises.
    """
    package = module.partition(".")[0]
    for name in [name for name, found in sys.modules.items() if _is_ours(name, found, package)]:
        del sys.modules[name]
    importlib.invalidate_caches()
    finder = _FreshFinder({package: folder, folder.parent.name: folder.parent})
    sys.meta_path.insert(0, finder)
    try:
        return importlib.import_module(module)
    finally:
        sys.meta_path.remove(finder)


class _FreshLoader(importlib.machinery.SourceFileLoader):
    """Compiles the file as it is now."""

    def get_code(self, fullname: str) -> CodeType:
        path = self.get_filename(fullname)
        code: CodeType = self.source_to_code(self.get_data(path), path)
        return code


class _FreshFinder(importlib.abc.MetaPathFinder):
    """Finds packages by their top-level name: that of one strategy, and that of the folder of all."""

    def __init__(self, roots: dict[str, Path]) -> None:
        self._roots = roots

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        first, *rest = fullname.split(".")
        root = self._roots.get(first)
        if root is None:
            return None
        place = root.joinpath(*rest)
        for file, inside in ((place / "__init__.py", [str(place)]), (place.with_suffix(".py"), None)):
            if file.is_file() and not (first == root.name and not rest):
                return importlib.util.spec_from_file_location(
                    fullname, file, loader=_FreshLoader(fullname, str(file)), submodule_search_locations=inside
                )
        if place.is_dir():
            spec = importlib.machinery.ModuleSpec(fullname, None, is_package=True)
            spec.submodule_search_locations = [str(place)]
            return spec
        return None


def _is_ours(name: str, module: ModuleType, package: str) -> bool:
    """Whether a module is of this package, or of its siblings by an earlier import of this kind."""
    if name == package or name.startswith(f"{package}."):
        return True
    return not name.startswith("strategy_") and isinstance(getattr(module, "__loader__", None), _FreshLoader)
