"""What a check found, and what follows from figures of a running installation. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

Level = Literal["ok", "warning", "failed", "skipped"]
EXPECTED = ("recorder", "strategy-runner", "paper-broker", "api")
"""Besides the collectors of the exchanges that are switched on."""
DOWN_AFTER_S = 15
OFFSET_LIMIT_MS = 1_000
OUTBOX_LIMIT_S = 60
LAG_LIMIT = 10_000
DISK_LOW_BYTES, DISK_FULL_BYTES = 5 * 2**30, 2**30
COVERAGE_LOW = 0.99


@dataclass(frozen=True)
class Finding:
    """One check. `advice` says what to do; empty where there is nothing to do."""

    check: str
    level: Level
    says: str
    advice: str = ""


def exit_code(findings: Iterable[Finding]) -> int:
    """0: nothing failed. 1: something did."""
    return int(any(finding.level == "failed" for finding in findings))


def config_differences(wanted: Mapping[str, Any], made: Mapping[str, Any]) -> list[str]:
    """`field is X, not Y` of each field that is not as it is specified."""
    return [
        f"{field} is {made.get(field)!r}, not {value!r}" for field, value in wanted.items() if made.get(field) != value
    ]


def of_config(what: str, differences: Sequence[str]) -> Finding:
    if not differences:
        return Finding(what, "ok", "as specified")
    return Finding(what, "failed", "; ".join(differences), "Run `python -m trading_core provision`.")


def of_lag(stream: str, durable: str, waiting: int, floor: int, first: int) -> Finding:
    """waiting: messages not yet acknowledged; floor: the last acknowledged one; first: the oldest the stream has."""
    name = f"{durable} of {stream}"
    if waiting and first > floor + 1:
        lost = first - floor - 1
        advice = "What the recorder missed is not in Postgres. Find out why it was away, and look at the gaps."
        return Finding(name, "failed", f"{lost:,} messages left the stream before they were read", advice)
    if waiting > LAG_LIMIT:
        advice = "Is the service that reads it running, and Postgres fast enough? See its log."
        return Finding(name, "warning", f"{waiting:,} messages behind", advice)
    return Finding(name, "ok", f"{waiting:,} messages behind")


def of_beat(service: str, age_s: float | None, status: str, trouble: Sequence[str]) -> Finding:
    """age_s: since the newest heartbeat of any instance; None when there was never one."""
    if age_s is None:
        return Finding(service, "failed", "never heard of", "Start it; its README says how.")
    if age_s > DOWN_AFTER_S:
        return Finding(service, "failed", f"last heartbeat {age_s:,.0f} s ago", "Look at its log, and start it again.")
    if status == "degraded":
        said = " ".join(trouble) or "it says that something is wrong"
        return Finding(service, "warning", said, "" if trouble else "Look at its log.")
    return Finding(service, "ok", f"{status}, last heartbeat {age_s:.0f} s ago")


def of_offset(whose: str, offset_ms: float) -> Finding:
    if abs(offset_ms) <= OFFSET_LIMIT_MS:
        return Finding(f"clock of {whose}", "ok", f"{offset_ms:+,.0f} ms from ours")
    advice = "Let this machine's clock be set by NTP: `timedatectl set-ntp true`."
    return Finding(f"clock of {whose}", "warning", f"{offset_ms:+,.0f} ms from ours", advice)


def of_disk(where: str, free_bytes: int) -> Finding:
    says = f"{free_bytes / 2**30:,.1f} GiB free"
    advice = "Make room, or shorten `retention:` in config.yaml and run `python -m trading_core archive --help`."
    if free_bytes < DISK_FULL_BYTES:
        return Finding(f"disk of {where}", "failed", says, advice)
    return Finding(f"disk of {where}", "warning" if free_bytes < DISK_LOW_BYTES else "ok", says,
                   advice if free_bytes < DISK_LOW_BYTES else "")  # fmt: skip


def of_schema(found: str | None, newest: str) -> Finding:
    if found == newest:
        return Finding("schema", "ok", f"revision {found}")
    advice = "Run `python -m trading_core migrate` with the rights of the owner."
    return Finding("schema", "failed", f"revision {found or 'none'}, the newest is {newest}", advice)


def of_outbox(age_s: float) -> Finding:
    if age_s <= OUTBOX_LIMIT_S:
        return Finding("outbox", "ok", f"oldest unsent announcement {age_s:.0f} s old")
    advice = "Is paper-broker running, and NATS? See its log."
    return Finding("outbox", "failed", f"oldest unsent announcement {age_s:,.0f} s old", advice)


def of_identities(violations: Mapping[str, int]) -> Finding:
    """By kind, how many rows of the ledger break it."""
    if not violations:
        return Finding("ledger identities", "ok", "all hold")
    says = ", ".join(f"{count} × {kind}" for kind, count in sorted(violations.items()))
    advice = "Do not trust P&L. `python -m trading_core audit` names every value."
    return Finding("ledger identities", "failed", says, advice)


def of_coverage(day: str, shares: Mapping[str, float]) -> Finding:
    """shares: of each channel what fraction of that day's minutes is there."""
    name = f"coverage of {day}"
    if not shares:
        return Finding(name, "ok", "nothing was recorded that day")
    low = {channel: share for channel, share in shares.items() if share < COVERAGE_LOW}
    if not low:
        return Finding(name, "ok", f"{len(shares)} channels, each at least {COVERAGE_LOW:.0%}")
    worst = ", ".join(f"{channel} {share:.1%}" for channel, share in sorted(low.items(), key=lambda one: one[1])[:5])
    return Finding(name, "warning", f"{len(low)} of {len(shares)} channels below {COVERAGE_LOW:.0%}: {worst}",
                   "The page's Data quality shows the gaps; docs/how-to/data-quality.md what they mean.")  # fmt: skip


def of_count(check: str, count: int, level: Level, what: str, advice: str) -> Finding:
    """0 is as it must be."""
    return Finding(check, level, f"{count:,} {what}", advice) if count else Finding(check, "ok", f"no {what}")
