"""Settings from files, for secrets: `TRADING_DATABASE__URL_FILE=/run/secrets/database_url`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from trading_core.config_problems import ENV_PREFIX
from trading_core.errors import ConfigError

FILE_SUFFIX = "_FILE"


def names_a_file(variable: str) -> bool:
    """Of whatever case: the settings' own reader has them in lower case."""
    name = variable.upper()
    return name.startswith(ENV_PREFIX) and "__" in name and name.endswith(FILE_SUFFIX)


def secret_files(environ: Mapping[str, str]) -> dict[str, str]:
    """What the files of variables such as TRADING_DATABASE__URL_FILE hold, by variable: secrets of containers.

    ConfigError when one cannot be read, is empty, or stands beside the variable without `_FILE`.
    """
    found = {}
    for name in sorted(environ):
        if not (names_a_file(name) and environ[name]):
            continue
        plain = name.removesuffix(FILE_SUFFIX)
        if plain in environ:
            raise ConfigError(f"{plain} and {name} are both set. Unset one of them.")
        try:
            found[name] = Path(environ[name]).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise ConfigError(
                f"{name}: {environ[name]} cannot be read ({error.strerror}). Name another file."
            ) from error
        if not found[name]:
            raise ConfigError(f"{name}: {environ[name]} is empty. Write the value of {plain} into it.")
    return found


def nested(values: Mapping[str, str]) -> dict[str, Any]:
    """`{"TRADING_DATABASE__URL_FILE": "x"}` as `{"database": {"url": "x"}}`."""
    sections_of: dict[str, Any] = {}
    for name, value in values.items():
        *sections, key = name.removeprefix(ENV_PREFIX).removesuffix(FILE_SUFFIX).lower().split("__")
        place = sections_of
        for section in sections:
            place = place.setdefault(section, {})
        place[key] = value
    return sections_of
