"""docs/reliability.md: the newest table, written by `make chaos`. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from chaos.results import Result
from chaos.table import Found, Row, counts, measured
from trading_core.faultpoints import POINTS

HEAD = """# Reliability

Written by `make chaos`, which breaks the real processes on purpose and measures what comes of it; do not edit.
The bounds are in `tests/chaos/bounds.yaml`. A row *holds* when every figure of it was measured and is within its
bound; *partly* when something of it was not measured (the last column says what and why); that is not green.

The load is the recorded market of three assets at 400 times its speed: about 270 market messages and 20 tradable
signals a second, through collector, runner, broker, recorder and API. After the faults of a group the platform comes
to rest and is judged over sets of ids; `broken` counts what is found:

| | must hold |
|---|---|
| I1 | stored market data = the venue's own log − what lies in gaps declared lost; nothing else, no id twice |
| I2 | each LONG, SHORT, CLOSE on SIGNALS has one decision, none is without a signal, no grid point is missing |
| I3 | fills in the ledger = on EXEC = in the recorder's copy |
| I4, I5 | fills add up to positions, equity and entries to the last digit (`identity_violations`, `audit`) |
| I6 | an exit crossed while a service was down is at its price and event time (`audit`), 2 s after the return |
| I7 | nothing unsent in the outbox, no dead letter but those injected, DEFAULT partitions empty |
| I8 | `parity --order recorded` is byte-identical |
| I9 | a page held open shows what the ledger says (`page_differs`) |
"""

FAULT_POINTS = """Places at which a process can be made to die, for moments that random kills miss: `FAULTPOINTS=NAME:3`
in its environment kills it with SIGKILL at the third passing. R1 hits each of them."""


def document(rows: Mapping[str, Row], results: Mapping[str, Result]) -> str:
    """Every row with what it showed when it ran last; one that never ran says so."""
    found = {name: results[name].found(row) if name in results else Found(row) for name, row in rows.items()}
    total = ", ".join(f"{count} {verdict}" for verdict, count in counts(found.values()).items())
    machines = " and ".join(sorted({result.machine for result in results.values()}))
    lines = [
        HEAD,
        f"Each row stands as it came out when it ran last, which the table says (UTC, commit; + is with changes), on "
        f"{machines or 'no machine yet'}: {total}.\n",
        "| row | fault | measured (bound) | | run | what was done, and what was not |",
        "|---|---|---|---|---|---|",
    ]
    for name, one in found.items():
        notes = [*one.said, *(f"*{figure}*: {why}" for figure, why in one.left_out.items())]
        run = f"{results[name].ran_at}<br>{results[name].commit}" if name in results else "never"
        cells = [name, one.row.fault, "<br>".join(measured(one)), one.verdict(), run, "<br>".join(notes)]
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    lines += ["", "## Fault points", "", FAULT_POINTS, "", "| place | true there |", "|---|---|"]
    lines += [f"| `{point}` | {meaning} |" for point, meaning in POINTS.items()]
    return "\n".join(lines) + "\n"
