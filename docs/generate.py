"""`python docs/generate.py`: writes the reference pages from the code. `--check`: are they up to date?"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel, SecretStr
from pydantic_core import PydanticUndefined

from trading_api.openapi import document
from trading_core.__main__ import FUNCTIONS, MODULES
from trading_core.config import Settings
from trading_core.config_problems import ENV_PREFIX, _section

PAGES = Path(__file__).parent / "reference"
GENERATED = "<!-- Written by `make docs`; do not edit. -->"


def configuration() -> str:
    lines = [
        "# Settings", "", GENERATED, "",
        "Every key of `config.yaml`, its default, and the variable that overrides it. What they mean is written beside "
        "them in [config.yaml](../../config.yaml).", "",
        "| key | default | variable |", "|---|---|---|",
    ]  # fmt: skip
    lines += [" | ".join(["", *row, ""]).strip() for row in _keys(Settings, "")]
    return "\n".join(lines) + "\n"


def _keys(model: type[BaseModel], path: str) -> Iterator[list[str]]:
    for name, field in model.model_fields.items():
        key = f"{path}{name}"
        section = _section(field.annotation)
        if section is not None:
            is_named = str(field.annotation).startswith("dict")
            yield from _keys(section, f"{key}.NAME." if is_named else f"{key}.")
            continue
        default = field.get_default(call_default_factory=True)
        shown = "required" if default is PydanticUndefined else _plain(default)
        shown = "secret" if _is_secret(field.annotation) else shown
        yield [f"`{key}`", f"`{shown}`", f"`{ENV_PREFIX}{key.upper().replace('.', '__')}`"]


def _is_secret(annotation: Any) -> bool:
    return SecretStr.__name__ in str(annotation)


def _plain(value: Any) -> str:
    return json.dumps(value, default=str).strip('"')


def commands() -> str:
    lines = ["# Commands", "", GENERATED, "", "`python -m trading_core COMMAND`; each says the same with `--help`.", ""]
    for name, (path, summary) in MODULES.items():
        parser = argparse.ArgumentParser(f"python -m trading_core {name}", description=summary)
        importlib.import_module(path).add_arguments(parser)
        lines += [f"## {name}", "", "```text", parser.format_help().rstrip(), "```", ""]
    lines += ["## Without options", "", "| | |", "|---|---|"]
    lines += [f"| `{name}` | {summary} |" for name, (_, summary) in FUNCTIONS.items()]
    return "\n".join(lines) + "\n"


def api() -> str:
    lines = [
        "# API", "", GENERATED, "",
        "The machine-readable form is `/api/openapi.json`, the one to try things in `/api/docs`.", "",
        "| request | answers | parameters |", "|---|---|---|",
    ]  # fmt: skip
    described = json.loads(document())
    for path, methods in sorted(described["paths"].items()):
        for method, operation in methods.items():
            said = (operation.get("description") or operation.get("summary") or "").split("\n\n")[0]
            given = ", ".join(f"`{one['name']}`" for one in operation.get("parameters", ()))
            text = " ".join(said.split()).replace("|", "\\|")
            lines.append(f"| `{method.upper()} {path}` | {text} | {given} |")
    return "\n".join(lines) + "\n"


def pages() -> dict[Path, str]:
    return {PAGES / "configuration.md": configuration(), PAGES / "commands.md": commands(), PAGES / "api.md": api()}


def main(words: list[str]) -> int:
    os.environ["COLUMNS"] = "120"  # argparse wraps by the terminal's width
    for name in [name for name in os.environ if name.startswith(ENV_PREFIX)]:
        del os.environ[name]
    written = pages()
    old = [page for page, text in written.items() if not page.exists() or page.read_text() != text]
    if "--check" not in words:
        for page in old:
            page.write_text(written[page])
        return 0
    for page in old:
        print(f"{page} is not up to date. Run `make docs`.", file=sys.stderr)
    return 1 if old else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
