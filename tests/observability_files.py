"""The provisioned dashboards, panel by panel, and their questions with Grafana's macros filled in."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from repository import ROOT

DEPLOY = ROOT / "deploy"


def panels() -> Iterator[tuple[str, dict[str, Any]]]:
    for file in sorted((DEPLOY / "grafana" / "dashboards").glob("*.json")):
        for panel in json.loads(file.read_text())["panels"]:
            yield f"{file.stem}: {panel['title']}", panel


def queries(key: str) -> dict[str, str]:
    """`expr` or `rawSql` of every panel, by where it stands."""
    return {
        f"{where} {target['refId']}": target[key]
        for where, panel in panels()
        for target in panel["targets"]
        if key in target
    }


def promql(text: str, span: str = "1m") -> str:
    return text.replace("$__rate_interval", span)


def sql(text: str) -> str:
    return re.sub(r"\$__timeFilter\(([\w.]+)\)", r"\1 BETWEEN '-infinity' AND 'infinity'", text)
