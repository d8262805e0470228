"""How the audit reads a column before it compares it."""

from __future__ import annotations

import pytest

from trading_core.audit.findings import _plain


@pytest.mark.parametrize(("column", "read"), [("", ""), ("rsi", "rsi"), ('{"a": 1}', {"a": 1}), ("[]", [])])
def test_json_is_compared_by_what_it_says_and_an_empty_text_is_no_json(column: str, read: object) -> None:
    assert _plain(column) == read
