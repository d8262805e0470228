"""Panels and dashboards of Grafana as plain dictionaries."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

Json = dict[str, Any]
PROMETHEUS: Json = {"type": "prometheus", "uid": "prometheus"}
POSTGRES: Json = {"type": "postgres", "uid": "postgres"}
COLUMNS, HEIGHT = 24, 8


class Panel(NamedTuple):
    """One panel. `queries`: PromQL with its legend, or one SQL text; `unit` in Grafana's words."""

    title: str
    text: str
    """What it shows and what is good, for whoever points at it."""
    queries: Sequence[tuple[str, str]] | str
    unit: str = "short"
    kind: str = "timeseries"
    width: int = 8
    red_above: float | None = None


def dashboard(uid: str, title: str, panels: Sequence[Panel], *, span: str = "now-1h") -> Json:
    placed, x, y = [], 0, 0
    for number, panel in enumerate(panels, start=1):
        if x + panel.width > COLUMNS:
            x, y = 0, y + HEIGHT
        placed.append(_panel(number, panel, {"x": x, "y": y, "w": panel.width, "h": HEIGHT}))
        x += panel.width
    return {
        "uid": uid,
        "title": title,
        "tags": ["paper-trading"],
        "timezone": "utc",
        "editable": False,
        "refresh": "10s",
        "schemaVersion": 39,
        "time": {"from": span, "to": "now"},
        "templating": {"list": []},
        "annotations": {"list": []},
        "links": [{"type": "dashboards", "tags": ["paper-trading"], "title": "Dashboards", "asDropdown": True}],
        "panels": placed,
    }


def _panel(number: int, panel: Panel, place: Json) -> Json:
    steps: list[Json] = [{"color": "green", "value": None}]
    if panel.red_above is not None:
        steps.append({"color": "red", "value": panel.red_above})
    return {
        "id": number,
        "type": panel.kind,
        "title": panel.title,
        "description": panel.text,
        "gridPos": place,
        "datasource": POSTGRES if isinstance(panel.queries, str) else PROMETHEUS,
        "fieldConfig": {
            "defaults": {"unit": panel.unit, "thresholds": {"mode": "absolute", "steps": steps}, **_drawn(panel.kind)},
            "overrides": [],
        },
        "options": _options(panel.kind),
        "targets": _targets(panel),
    }


def _drawn(kind: str) -> Json:
    return {"custom": {"lineWidth": 1, "fillOpacity": 5, "showPoints": "never"}} if kind == "timeseries" else {}


def _options(kind: str) -> Json:
    match kind:
        case "timeseries":
            return {"legend": {"displayMode": "list", "placement": "bottom"}, "tooltip": {"mode": "multi"}}
        case "stat":
            return {"reduceOptions": {"calcs": ["lastNotNull"]}, "colorMode": "value", "textMode": "value_and_name"}
        case _:
            return {}


def _targets(panel: Panel) -> list[Json]:
    if isinstance(panel.queries, str):
        shape = "time_series" if panel.kind == "timeseries" else "table"
        return [{"refId": "A", "datasource": POSTGRES, "rawQuery": True, "format": shape, "rawSql": panel.queries}]
    at_once = panel.kind != "timeseries"
    return [
        {
            "refId": chr(ord("A") + number),
            "datasource": PROMETHEUS,
            "expr": expression,
            "legendFormat": legend,
            "instant": at_once,
            "range": not at_once,
            **({"format": "table"} if panel.kind == "table" else {}),
        }
        for number, (expression, legend) in enumerate(panel.queries)
    ]


def quantiles(histogram: str, by: str = "", where: str = "") -> list[tuple[str, str]]:
    """Median and 99th percentile of a histogram, one line for each value of label `by`."""
    labels, name = ("le, " + by, "{{" + by + "}} ") if by else ("le", "")
    rate = f"sum by ({labels}) (rate({histogram}_bucket{where}[$__rate_interval]))"
    return [(f"histogram_quantile({q}, {rate})", f"{name}p{q * 100:.0f}") for q in (0.5, 0.99)]
