"""Parity results as one HTML page that loads nothing from anywhere."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from trading_core.db.times import utc
from trading_core.parity.results import Result, Shown, changed_fields
from trading_core.parity.show import TITLE
from trading_core.parity.words import ADVICE, MEANING, began, sentence

MOST_DIFFERENCES = 500
"""A longer list is cut; the JSON file has more."""

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #111827; max-width: 1080px; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.3rem; } h2 { font-size: 1.1rem; margin: 2.5rem 0 .25rem; }
h3 { font-size: .95rem; margin: 1.5rem 0 .25rem; }
.quiet { color: #6b7280; } .good { color: #15803d; font-weight: 600; } .bad { color: #b91c1c; font-weight: 600; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .85rem; margin: .5rem 0; }
th, td { padding: .2rem .6rem; text-align: left; border-bottom: 1px solid #e5e7eb; vertical-align: top; }
td.n { text-align: right; }
td.text { overflow-wrap: anywhere; font-family: ui-monospace, monospace; font-size: .75rem; }
"""


def page(results: Sequence[Result]) -> str:
    """The whole page: per order what was compared, the verdict in words, causes, and the differences side by side."""
    sections = [part for result in results for part in _section(result)]
    return "\n".join(
        (
            '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>Parity</title>',
            f"<style>{_STYLE}</style></head><body>",
            "<h1>Parity: the recorded run, replayed</h1>",
            *(sections or ['<p class="quiet">Nothing was checked.</p>']),
            "</body></html>\n",
        )
    )


def _section(result: Result) -> list[str]:
    good = "good" if result.passed else "bad"
    version = f", code {escape(result.code_version)}" if result.code_version else ""
    return [
        f"<h2>{TITLE[result.order]}: portfolio {escape(result.portfolio)}, {result.period}</h2>",
        f'<p class="{good}">{escape(sentence(result))}</p>',
        f'<p class="quiet">{escape(began(result))}; {result.duration_ms / 1000:.1f} s{version}</p>',
        _days(result),
        _table(("compared", ""), [(kind, f"{count:,}") for kind, count in result.compared.items()]),
        _causes(result),
        *_differences(result),
    ]


def _days(result: Result) -> str:
    """Of a longer span each part by itself."""
    rows = [(day.period, f"{day.difference_count:,}", day.verdict) for day in result.days]
    return _table(("part", "differences", "verdict"), rows) if rows else ""


def _causes(result: Result) -> str:
    rows = [
        (cause, f"{count:,}", MEANING.get(cause, ""), ADVICE.get(cause, ""))
        for cause, count in result.causes.most_common()
    ]
    return _table(("cause", "", "what it means", "what to do"), rows) if rows else ""


def _differences(result: Result) -> list[str]:
    ordered = result.differences[:MOST_DIFFERENCES]
    parts = [_difference(difference) for difference in ordered]
    if result.difference_count > len(ordered):
        parts.append(f'<p class="quiet">… and {result.difference_count - len(ordered):,} more.</p>')
    return parts


def _difference(difference: Shown) -> str:
    cause = difference.cause.split(":")[0]
    heading = f"{utc(difference.ts):%Y-%m-%d %H:%M} {difference.kind}: {difference.cause}"
    rows = changed_fields(difference.live, difference.replayed)
    body = "".join(
        f'<tr><td>{escape(name)}</td><td class="text">{escape(live)}</td><td class="text">{escape(replayed)}</td></tr>'
        for name, live, replayed in rows
    )
    return (
        f"<h3>{escape(heading)}</h3>"
        f'<p class="quiet">{escape(difference.id)}: {escape(MEANING.get(cause, ""))}</p>'
        f"<table><tr><th>field</th><th>live</th><th>replay</th></tr>{body}</table>"
    )


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    head = "".join(f"<th>{escape(text)}</th>" for text in heads)
    body = "".join(f"<tr>{''.join(map(_cell, range(len(row)), row))}</tr>" for row in rows)
    return f"<table><tr>{head}</tr>{body}</table>"


def _cell(column: int, text: str) -> str:
    """The second column holds numbers."""
    return f'<td class="n">{escape(text)}</td>' if column == 1 else f"<td>{escape(text)}</td>"
