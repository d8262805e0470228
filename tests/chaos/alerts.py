"""When an alert fires, by the rule's own number and its own patience."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import yaml

from repository import ROOT

ALERTS = ROOT / "deploy" / "prometheus" / "alerts.yml"


@dataclass(frozen=True)
class Alert:
    limit: float
    patience_s: float
    """For so long the figure must be beyond the limit."""


def alert(name: str, form: str) -> Alert:
    """`form`: a regular expression that the rule's expression matches, its one group the limit."""
    groups: list[dict[str, Any]] = yaml.safe_load(ALERTS.read_text())["groups"]
    [rule] = [rule for group in groups for rule in group["rules"] if rule.get("alert") == name]
    limit, patience = re.search(form, rule["expr"]), re.fullmatch(r"(\d+)([sm])", rule["for"])
    if limit is None or patience is None:
        raise ValueError(f"alerts.yml: {name} has another form now")
    return Alert(float(limit[1]), int(patience[1]) * (60 if patience[2] == "m" else 1))
