"""What the overfit statistics of a search say, for whoever has to decide. Luck is called luck. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

Tone = Literal["good", "doubt", "bad", "plain"]
CREDIBLE_SHARPE = 0.95
HEADLINES = {
    "noise": "Luck explains it",
    "unclear": "More than luck where it was chosen, not proven where it was judged",
    "edge": "More than luck",
}
UNFINISHED = "Not judged: the search was broken off, or no set of it traded. The same command takes it up again."


@dataclass(frozen=True)
class Statistic:
    """One figure: null where there was too little data for it. Probabilities from 0 to 1."""

    name: str
    label: str
    value: float | None
    kind: Literal["probability", "count"]
    tone: Tone
    meaning: str


def headline(verdict: str | None) -> str:
    return HEADLINES.get(verdict or "", UNFINISHED)


def statistics(judgement: Mapping[str, Any] | None) -> list[Statistic]:
    """The figures of a judgement as it is stored; none without one."""
    if judgement is None:
        return []
    luck_in, luck_out = judgement["luck_in_sample"], judgement["luck_out_of_sample"]
    both, sharpe = judgement["luck_together"], judgement["deflated_sharpe"]
    overfit, trials = judgement["probability_of_overfitting"], judgement["trials"]
    return [
        Statistic(
            "luck_together", "Luck alone, both parts", both, "probability", _low(both, 0.01, 0.05),
            "How often a search among sets without any edge would do this well where it chose and where it was judged, "
            "taken together. Below 1 % it counts as more than luck.",
        ),
        Statistic(
            "luck_in_sample", "Luck where it was chosen", luck_in, "probability", _low(luck_in, 0.01, 0.05),
            f"How often the best of {trials:,} worthless sets looks this good in the days it was chosen on. The more "
            "sets are tried, the better the luckiest of them looks.",
        ),
        Statistic(
            "luck_out_of_sample", "Luck where it was judged", luck_out, "probability", _low(luck_out, 0.05, 0.2),
            "How often one worthless set earns this much in the days that nothing was chosen on.",
        ),
        Statistic(
            "deflated_sharpe", "Deflated Sharpe ratio", sharpe, "probability", _high(sharpe, CREDIBLE_SHARPE, 0.5),
            "Probability that the Sharpe ratio of the chosen set is above what the luckiest of as many tries shows "
            "without any edge. Below 95 % it is no evidence.",
        ),
        Statistic(
            "probability_of_overfitting", "Probability of overfitting (PBO)", overfit, "probability",
            _low(overfit, 0.1, 0.5),
            "In how many of the ways to split the days in two halves the best set of one half is worse than the middle "
            "of all sets in the other. At 50 % choosing by the past is a coin toss.",
        ),
        Statistic(
            "effective_trials", "Effective tries", judgement["effective_trials"], "count", "plain",
            f"{trials:,} sets ran; many do nearly the same. As many independent tries they amount to.",
        ),
        Statistic(
            "days", "Days chosen on and judged on", judgement["days_in_sample"] + judgement["days_out_of_sample"],
            "count", "plain",
            f"{judgement['days_in_sample']} days chose, {judgement['days_out_of_sample']} judged; of fewer than ten "
            "days nothing can be told from luck, whatever they earned.",
        ),
        Statistic(
            "trades", "Trades of the chosen sets", judgement["trades"], "count",
            "doubt" if judgement["trades"] < 20 else "plain",
            "With fewer than 20 trades nothing is called an edge.",
        ),
    ]  # fmt: skip


def _low(value: float | None, good: float, bad: float) -> Tone:
    return "plain" if value is None else "good" if value <= good else "doubt" if value < bad else "bad"


def _high(value: float | None, good: float, bad: float) -> Tone:
    return "plain" if value is None else "good" if value >= good else "doubt" if value > bad else "bad"
