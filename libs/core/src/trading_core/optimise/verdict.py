"""Is the best of many tries more than luck? The statistics of a search, and what they mean in words."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import msgspec
import numpy as np

from trading_core.market.series import FloatArray
from trading_core.optimise.figures import Outcome, score
from trading_core.optimise.luck import luck, together, unseen_loss
from trading_core.optimise.overfit import deflated_sharpe, effective_trials, overfitting

CREDIBLE = 0.01
"""In fewer worlds without an edge than this must a result be as good before it counts as more than noise."""
LEAST_TRADES = 20
"""With fewer trades of the chosen set nothing is called an edge."""

Verdict = Literal["noise", "unclear", "edge"]


class Judgement(msgspec.Struct, frozen=True, kw_only=True):
    """What a search is worth. Probabilities from 0 to 1; None where there is too little data for one."""

    verdict: Verdict
    why: str
    sentence: str
    trials: int
    """Sets that ran, whether they traded or not."""
    effective_trials: float
    """As many independent ones would they amount to."""
    luck_in_sample: float
    """How often the best of all tries looks this good in the first choosing part although none has an edge."""
    luck_out_of_sample: float
    """How often one worthless set earns this well in the judging parts."""
    luck_together: float
    deflated_sharpe: float | None
    """Of the chosen set in the first choosing part: probability that its Sharpe ratio is not selection alone."""
    probability_of_overfitting: float | None
    days_in_sample: int
    days_out_of_sample: int
    trades: int
    """Of the chosen sets, in the first choosing part and all judging parts."""
    chosen: tuple[int, ...]
    """The number of the set that each fold chose."""


def ranked(outcomes: Sequence[Outcome], metric: str) -> list[Outcome]:
    """Sets that ran, best in sample first, those without a rank last; equals by number."""
    ran = [outcome for outcome in outcomes if outcome.folds]
    scores = {outcome.number: score(outcome, metric) for outcome in ran}

    def key(outcome: Outcome) -> tuple[bool, float, int]:
        found = scores[outcome.number]
        return (found is None, 0.0 if found is None else -found, outcome.number)

    return sorted(ran, key=key)


def judge(outcomes: Sequence[Outcome], metric: str) -> Judgement | None:
    """The verdict on a search by `metric`; None when no set can be ranked, mostly because none traded.

    Two questions are asked of different days, so that their answers can be joined: how often would luck alone make
    the best of all tries this good where it was chosen, and how often would it carry what was chosen this far where
    nothing was chosen. In the second part each fold's choice is followed, as one would have traded it.
    """
    ran = sorted((outcome for outcome in outcomes if outcome.folds), key=lambda outcome: outcome.number)
    chosen = [_best(ran, metric, fold) for fold in range(len(ran[0].folds))] if ran else []
    places = [place for place in chosen if place is not None]
    if not places or len(places) < len(chosen):
        return None
    inside = _matrix([outcome.folds[0].in_sample.daily_returns for outcome in ran])
    outside = [
        _matrix([outcome.folds[fold].out_of_sample.daily_returns for outcome in ran]) for fold in range(len(places))
    ]
    followed = np.concatenate([part[:, [place]] for part, place in zip(outside, places, strict=True)])
    whole = np.concatenate([inside, *outside])
    unseen = unseen_loss(whole)
    first = luck(inside, places[0], unseen=unseen)
    second = luck(followed, 0, unseen=unseen)
    trades = ran[places[0]].folds[0].in_sample.trades + sum(
        ran[place].folds[fold].out_of_sample.trades for fold, place in enumerate(places)
    )
    both = together(first, second)
    effective = effective_trials(inside)
    verdict, why = _verdict(both, float(followed.sum()), trades, len(whole))
    return Judgement(
        verdict=verdict,
        why=why,
        sentence=_sentence(len(ran), first, len(places)),
        trials=len(ran),
        effective_trials=effective,
        luck_in_sample=first,
        luck_out_of_sample=second,
        luck_together=both,
        deflated_sharpe=deflated_sharpe(inside, places[0], effective),
        probability_of_overfitting=overfitting(whole),
        days_in_sample=len(inside),
        days_out_of_sample=len(followed),
        trades=trades,
        chosen=tuple(ran[place].number for place in places),
    )


def _verdict(both: float, gained: float, trades: int, days: int) -> tuple[Verdict, str]:
    if both > CREDIBLE:
        # The best that can come out: gains on every single day.
        shortest = together(0.5**days, 1.0)
        if shortest > CREDIBLE:
            return "noise", f"{days} days are too few to tell anything from luck; take a longer span"
        return "noise", f"luck alone does as well in {per_cent(both)} of cases, in and out of sample taken together"
    if gained <= 0:
        return "unclear", "better than luck where it was chosen, but it lost where it was judged"
    if trades < LEAST_TRADES:
        return "unclear", f"better than luck, but {trades} trades are too few to rely on"
    return "edge", f"luck alone does as well in only {per_cent(both)} of cases, in and out of sample taken together"


def _sentence(trials: int, first: float, folds: int) -> str:
    where = "" if folds == 1 else " in the first fold"
    if trials == 1:
        return f"The only set would look this good{where} by luck in {per_cent(first)} of cases."
    return f"The best of {trials:,} tries would look this good{where} by luck in {per_cent(first)} of cases."


def per_cent(probability: float) -> str:
    """For a person: whole per cent, finer below 10 %."""
    if probability < 0.001:
        return "less than 0.1 %"
    return f"{probability:.0%}".replace("%", " %") if probability >= 0.0995 else f"{probability * 100:.1f} %"


def _best(ran: Sequence[Outcome], metric: str, fold: int) -> int | None:
    """The place of the set that `fold` chooses."""
    scores = [score(outcome, metric, fold) for outcome in ran]
    known = [(-value, place) for place, value in enumerate(scores) if value is not None and not math.isnan(value)]
    return min(known)[1] if known else None


def _matrix(columns: Sequence[Sequence[float]]) -> FloatArray:
    """Shape (days, sets)."""
    return np.array(columns, np.float64).T
