"""What verdicts and causes mean, for people."""

from __future__ import annotations

from trading_core.parity.results import Result

MEANING = {
    "late_signal": "the signal reached the broker after its minute was passed",
    "late_data": "the history has data that live came later, or never",
    "gap": "the history lacks data that live traded on",
    "skip": "a minute was passed without an exchange",
    "config_changed": "settings are not those of the run",
    "code_changed": "a strategy's code is not that of the run",
    "follows": "consequences of the above",
    "unexplained": "no cause found: this must not be",
    "different": "live and replay disagree, though settings and code are the same: this must not be",
}
ADVICE = {
    "late_signal": "Look for restarts of strategy-runner at that time; if it happens often, raise broker.wait_ms.",
    "late_data": "Nothing to mend in the ledger; a backtest of this span will look better than live could.",
    "gap": "Restore the span from the archive, or import candles for it, before you trust a backtest of it.",
    "skip": "Look at the collector's log of that time; broker.exchange_wait_ms is how long an exchange is waited for.",
    "config_changed": "Expected after a change of settings. To compare again, check with the settings of the run.",
    "code_changed": "Expected after a change of a strategy. To compare again, check with the code of the run.",
    "unexplained": "Keep this report and the data: the replay or the recording is wrong somewhere.",
    "different": "Keep this report and the data: a live service did not do what its code says, or a row was changed.",
}


def sentence(result: Result) -> str:
    """The verdict in words."""
    compared = sum(result.compared.values())
    if result.order == "recorded":
        if result.verdict == "identical":
            return f"Identical: all {compared:,} signals, decisions, fills and ledger rows, byte for byte."
        follows = result.causes["follows"]
        changed = result.causes["config_changed"] + result.causes["code_changed"]
        tail = (
            f" {changed:,} of them come from settings or code changed since, {follows:,} may follow from those."
            if changed
            else ""
        )
        return f"NOT identical: {result.difference_count:,} differences in {compared:,} comparisons.{tail}"
    if result.verdict == "identical":
        return f"No difference in {compared:,} comparisons: live traded as a backtest would have."
    if result.verdict == "explained":
        return f"{result.difference_count:,} differences in {compared:,} comparisons; every one has a cause."
    return f"{result.causes['unexplained']:,} of {result.difference_count:,} differences are UNEXPLAINED."


def began(result: Result) -> str:
    """From where it was replayed."""
    if result.from_checkpoint:
        return "replayed from what the broker kept at the beginning of that day"
    return "replayed from the portfolio's first grid point"
