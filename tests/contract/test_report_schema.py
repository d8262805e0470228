"""What `backtest --json` promises to programs."""

from pathlib import Path

import msgspec

from repository import ROOT
from trading_core.__main__ import main
from trading_core.backtest.schema import Report, json_schema


def test_the_reference_page_shows_the_schema_of_today() -> None:
    shown = (ROOT / "docs/reference/backtest-report.schema.json").read_text()
    assert shown == json_schema(), "python -m trading_core.backtest.schema > docs/reference/backtest-report.schema.json"


def test_a_report_has_exactly_the_fields_of_the_schema(tmp_path: Path) -> None:
    file = tmp_path / "run.json"
    words = ["--all", "--from", "2025-05-05", "--to", "2025-05-07", "--source", f"parquet:{ROOT / 'data/sample'}"]
    assert main(["backtest", *words, "--no-save", "--json", str(file)]) == 0
    report = msgspec.json.decode(file.read_bytes(), type=Report)
    assert report.summary.trades == len(report.trades) > 0
    assert report.mark_to_market_rows == len(report.equity.rows) == 2 * 1440 + 1
    assert set(report.summary.by_strategy) == set(report.config.strategies)
