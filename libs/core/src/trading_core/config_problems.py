"""Sentences for settings that cannot be used: which key, what is allowed, what it is, what to do."""

from __future__ import annotations

import difflib
import types
import typing
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

ENV_PREFIX = "TRADING_"
_LIMITS = {
    "greater_than": ("gt", ">"),
    "greater_than_equal": ("ge", ">="),
    "less_than": ("lt", "<"),
    "less_than_equal": ("le", "<="),
}
_KINDS = {
    "int": "a whole number",
    "float": "a number",
    "decimal": "a number",
    "bool": "true or false",
    "string": "text",
    "tuple": "a list",
    "list": "a list",
    "dict": "a section of keys and values",
    "model": "a section of keys and values",
}


def sentences(error: ValidationError, file: str, environ: Mapping[str, str], model: type[BaseModel]) -> list[str]:
    """One sentence per wrong key, in the order of the settings."""
    return [_sentence(detail, file, environ, model) for detail in error.errors()]


def unknown_variables(environ: Iterable[str], sections: Collection[str]) -> list[str]:
    """A sentence for each variable that looks like an override but names no section."""
    found = []
    for name in sorted(environ):
        section, delimiter, _ = name.removeprefix(ENV_PREFIX).lower().partition("__")
        if name.startswith(ENV_PREFIX) and delimiter and section not in sections:
            found.append(f"{name}: no section {section!r}.{_guess(section, sections)} Correct or unset the variable.")
    return found


def _sentence(detail: ErrorDetails, file: str, environ: Mapping[str, str], model: type[BaseModel]) -> str:
    path = ".".join(str(part) for part in detail["loc"])
    if not path:
        return f"{file}: {_allowed(detail)}."
    variable = ENV_PREFIX + "__".join(str(part) for part in detail["loc"]).upper()
    variable = f"{variable}_FILE" if f"{variable}_FILE" in environ else variable
    source = variable if variable in environ else file
    if detail["type"] == "extra_forbidden":
        guess = _elsewhere(str(detail["loc"][-1]), model) or _guess(
            str(detail["loc"][-1]), _keys(model, detail["loc"][:-1])
        )
        return f"{source}: {path} is not a known key, got {_shown(detail)}.{guess} Correct or remove it."
    fix = f"Fix or unset {variable}" if source == variable else f"Fix it or {variable}"
    return f"{source}: {path} {_allowed(detail)}, got {_shown(detail)}. {fix}."


def _allowed(detail: ErrorDetails) -> str:
    kind, context = detail["type"], detail.get("ctx", {})
    if kind in _LIMITS:
        key, sign = _LIMITS[kind]
        return f"must be {sign} {context[key]}"
    if kind == "literal_error":
        return f"must be {context['expected']}"
    if kind == "string_pattern_mismatch":
        return f"must match {context['pattern']}"
    if kind == "missing":
        return "is missing"
    if kind == "value_error":
        return str(context["error"])
    prefix = kind.split("_")[0]
    return f"must be {_KINDS[prefix]}" if prefix in _KINDS else detail["msg"]


def is_secret(key: str) -> bool:
    """Whether the value of this key must not be shown."""
    return key.endswith(("password", "token"))


def _shown(detail: ErrorDetails) -> str:
    value = detail["input"]
    if any(is_secret(str(part)) for part in detail["loc"]):
        return f"{len(str(value))} characters that are not shown"
    if isinstance(value, dict) and any(is_secret(str(key)) for key in value):
        value = {key: "…" if is_secret(str(key)) else item for key, item in value.items()}
    text = repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= 80 else text[:77] + "…"


def _guess(word: str, known: Collection[str]) -> str:
    close = difflib.get_close_matches(word, known, n=1)
    if close:
        return f" Did you mean {close[0]}?"
    return f" Known here: {', '.join(sorted(known))}." if known else ""


def _elsewhere(word: str, model: type[BaseModel]) -> str:
    """Where a key that is known in other sections belongs."""
    homes = list(_homes(word, model, ""))
    return f" It belongs under {' or '.join(homes)}." if homes else ""


def _homes(word: str, model: type[BaseModel], path: str) -> Iterator[str]:
    for name, field in model.model_fields.items():
        section = _section(field.annotation)
        if section is not None:
            named = typing.get_origin(field.annotation) is dict
            inner = f"{path}{name}.NAME" if named else f"{path}{name}"
            if word in section.model_fields:
                yield inner
            yield from _homes(word, section, f"{inner}.")


def _keys(model: type[BaseModel], path: tuple[int | str, ...]) -> list[str]:
    """The keys of the section at `path`; [] where that is no section of fixed keys."""
    current: type[BaseModel] | None = model
    for part in path:
        if current is None or str(part) not in current.model_fields:
            # A free name, such as a strategy's: the section below it is the value type of the mapping above.
            continue
        current = _section(current.model_fields[str(part)].annotation)
    return list(current.model_fields) if current else []


def _section(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    if typing.get_origin(annotation) in (dict, typing.Union, types.UnionType):
        for argument in reversed(typing.get_args(annotation)):
            if section := _section(argument):
                return section
    return None
