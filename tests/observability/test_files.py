"""Dashboards and alerts as files: they hang together, speak of metrics that exist, and promtool agrees."""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import asyncpg
import pytest
import yaml
from prometheus_client import REGISTRY

from observability_files import DEPLOY, panels, promql, queries, sql
from prometheus_server import program
from repository import ROOT

ALERTS = DEPLOY / "prometheus" / "alerts.yml"
DECLARED_IN = (
    "trading_core.runtime_metrics", "trading_core.collect.metrics", "collector_pm.metrics", "recorder.metrics",
    "paper_broker.metrics", "strategy_runner.metrics", "trading_api.metrics",
)  # fmt: skip
PROMETHEUS_ITSELF = {"up", "process_cpu_seconds_total", "process_resident_memory_bytes", "ALERTS"}


def dashboards_of(name: str) -> ModuleType:
    sys.path.insert(0, str(DEPLOY / "grafana"))
    try:
        return importlib.import_module(name)
    finally:
        sys.path.pop(0)


def alerts() -> list[dict[str, Any]]:
    return [rule for group in yaml.safe_load(ALERTS.read_text())["groups"] for rule in group["rules"]]


def declared() -> set[str]:
    """Every series that a service or the exporter may show."""
    from trading_core.exporter import families

    for module in DECLARED_IN:
        importlib.import_module(module)
    names = {sample for family in REGISTRY.collect() for sample in _series(family.name, family.type)}
    source = Path(families.__file__).read_text()
    exported = re.findall(r"(Counter|Gauge)MetricFamily,? ?\(?\"(trading_\w+)\"", source)
    exported += re.findall(r"(Counter|Gauge)MetricFamily\(\s*\"(trading_\w+)\"", source)
    return names | {name + ("_total" if kind == "Counter" else "") for kind, name in exported} | {
        "trading_nats_up", "trading_postgres_up",
    }  # fmt: skip


def _series(name: str, kind: str) -> list[str]:
    match kind:
        case "counter":
            return [f"{name}_total"]
        case "histogram":
            return [f"{name}_bucket", f"{name}_count", f"{name}_sum"]
        case _:
            return [name]


def test_the_dashboards_are_those_of_the_program_that_writes_them() -> None:
    made = dashboards_of("dashboards")
    assert set(made.DASHBOARDS) == {file.stem for file in made.FOLDER.glob("*.json")}
    for name in made.DASHBOARDS:
        assert (made.FOLDER / f"{name}.json").read_text() == made.text_of(name), "python deploy/grafana/dashboards.py"


def test_every_panel_has_a_source_that_is_provisioned_a_place_and_an_explanation() -> None:
    given = yaml.safe_load((DEPLOY / "grafana/provisioning/datasources/datasources.yml").read_text())["datasources"]
    sources = {source["uid"] for source in given}
    for where, panel in panels():
        assert {panel["datasource"]["uid"]} | {target["datasource"]["uid"] for target in panel["targets"]} <= sources
        assert panel["description"].endswith("."), where
        assert panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24, where


def test_panels_and_alerts_speak_of_metrics_that_exist() -> None:
    known = declared() | PROMETHEUS_ITSELF
    texts = queries("expr") | {rule["alert"]: rule["expr"] for rule in alerts()}
    unknown = {
        where: missing
        for where, text in texts.items()
        if (missing := set(re.findall(r"\b(?:trading_\w+|process_\w+|up|ALERTS)\b", text)) - known)
    }
    assert unknown == {}


def test_every_metric_of_ours_has_a_unit_or_a_count_and_a_sentence() -> None:
    declared()
    ours = [family for family in REGISTRY.collect() if family.name.startswith("trading_")]
    assert [family.name for family in ours if len(family.documentation) < 10] == []


@pytest.mark.integration
async def test_every_question_to_postgres_is_answered_to_grafanas_role(role_url: Callable[[str], str]) -> None:
    """On an empty database: the words are right and the rights suffice. With data: test_running."""
    connection = await asyncpg.connect(role_url("grafana_ro"), timeout=10)
    try:
        for where, text in queries("rawSql").items():
            assert await connection.fetch(sql(text)) == [], where
        with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
            await connection.execute("DELETE FROM trading_paper.positions")
    finally:
        await connection.close()


def test_each_alert_has_its_page_and_its_test() -> None:
    tested = (DEPLOY / "prometheus" / "alerts_test.yml").read_text()
    for rule in alerts():
        page = ROOT / rule["annotations"]["runbook"]
        assert page.is_file(), page
        assert rule["alert"] in page.read_text(), f"{page} does not say which alert it is about"
        assert rule["alert"] in tested, f"{rule['alert']} is in no promtool test"
    assert {file.name for file in (ROOT / "docs" / "runbooks").glob("*.md")} == {
        Path(rule["annotations"]["runbook"]).name for rule in alerts()
    } | {"README.md"}


def test_promtool_agrees_with_rules_configuration_and_every_question(tmp_path: Path) -> None:
    promtool = program("promtool")
    rules = [
        {"record": f"panel:{number}", "expr": promql(text)} for number, text in enumerate(queries("expr").values())
    ]
    asked = tmp_path / "panels.yml"
    asked.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}))
    config = (DEPLOY / "prometheus" / "prometheus.yml").read_text().replace("/etc/prometheus/alerts.yml", str(ALERTS))
    (tmp_path / "prometheus.yml").write_text(config)
    for command in (
        ["check", "rules", str(asked), str(ALERTS)],
        ["check", "config", str(tmp_path / "prometheus.yml")],
        ["test", "rules", str(DEPLOY / "prometheus" / "alerts_test.yml")],
    ):
        done = subprocess.run([promtool, *command], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
