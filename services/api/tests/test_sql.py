"""What a person sends never becomes part of a statement: statements are constants, values are parameters."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src/trading_api"
CALLS = frozenset({"fetch", "fetchrow", "fetchval", "execute", "executemany", "cursor"})


def statements(tree: ast.AST) -> Iterator[ast.expr]:
    """The first argument of every call that sends SQL."""
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in CALLS
            and node.args
        ):
            yield node.args[0]


def built(node: ast.expr) -> bool:
    """Whether the text is put together where it is sent: by f-string, format, % or +."""
    if isinstance(node, ast.JoinedStr | ast.BinOp):
        return True
    if isinstance(node, ast.Call):
        return isinstance(node.func, ast.Attribute) and node.func.attr in ("format", "join", "replace")
    return isinstance(node, ast.IfExp) and (built(node.body) or built(node.orelse))


def test_no_statement_is_put_together_where_it_is_sent() -> None:
    found = []
    seen = 0
    for file in sorted(SOURCE.rglob("*.py")):
        for node in statements(ast.parse(file.read_text(encoding="utf-8"))):
            seen += 1
            if built(node):
                found.append(f"{file.name}:{node.lineno}: {ast.unparse(node)[:80]}")
    assert seen > 20
    assert not found


@pytest.mark.parametrize("text", ['f"SELECT {x}"', '"SELECT %s" % x', '"SELECT " + x', '"SELECT {}".format(x)'])
def test_the_check_sees_what_it_looks_for(text: str) -> None:
    [node] = statements(ast.parse(f"db.fetch({text})"))
    assert built(node)
