"""How good the best of many tries looks by luck alone: joint sign flips of daily returns."""

from __future__ import annotations

import math

import numpy as np

from trading_core.market.series import FloatArray

FLIPS = 4_999
"""So many random worlds; with fewer than 13 days every combination of signs is tried instead."""
_CELLS = 4_000_000
"""Numbers held at once, 32 MB."""


def unseen_loss(returns: FloatArray) -> float:
    """By how many typical days the worst day of any try exceeds the best one of any; 0 when it does not.

    returns: shape (days, tries), 0 or more days. Many small gains and a rare large loss look like an edge as long as
    the loss has not come. Where the tries as a whole have such a tail, each of them is charged with it once. Days are
    measured by what is typical of their try, so that one which trades more than the others does not set the scale.
    """
    typical = _typical(returns)
    scaled = returns[:, typical > 0] / typical[typical > 0]
    return max(0.0, -float(scaled.min()) - float(scaled.max())) if scaled.size else 0.0


def luck(returns: FloatArray, picked: int, *, unseen: float = 0.0, seed: int = 0, flips: int = FLIPS) -> float:
    """Probability that the best of all tries looks as good as try `picked` does although none has an edge.

    returns: shape (days, tries), simple daily returns. Without an edge a day's result is as likely a gain as a loss
    of the same size, so flipping the signs of whole days makes worlds without an edge in which volatility, idle days
    and the likeness of the tries to each other are as they were (Fisher's randomisation test; for the best of several
    White 2000 and Romano and Wolf 2005). Every world is judged as this one was: by the largest Sharpe ratio. Tries
    that resemble each other therefore count as the few that they are.
    `unseen`: the loss of one day more that `picked` is charged with, in its typical days, see `unseen_loss`.
    1 when `picked` has not gained; never 0: this world is one of those counted.
    """
    days = returns.shape[0]
    charged = unseen * float(_typical(returns[:, [picked]])[0]) if unseen else 0.0
    gained = float(returns[:, picked].sum()) - charged
    if gained <= 0:
        return 1.0
    # Flips leave the sum of squares alone, so the Sharpe ratio grows with sum / sqrt(sum of squares).
    scale = np.sqrt((returns**2).sum(axis=0))
    moving = scale > 0
    unit = returns[:, moving] / scale[moving]
    observed = gained / math.hypot(float(scale[picked]), charged)
    signs = _signs(days, flips, seed)
    step = max(1, _CELLS // unit.shape[1])
    # A tie counts as equally good; the margin is that of adding up in another order.
    least = observed - 1e-12 * math.sqrt(days)
    better = sum(
        int(((signs[first : first + step] @ unit).max(axis=1) >= least).sum()) for first in range(0, len(signs), step)
    )
    return better / len(signs)


def together(first: float, second: float) -> float:
    """One probability from two independent ones (Fisher 1925): of a product this small or smaller by luck.

    -2 ln(first x second) is chi-squared with 4 degrees of freedom, whose tail beyond x is exp(-x/2) (1 + x/2).
    """
    product = first * second
    return product * (1 - math.log(product))


def _typical(returns: FloatArray) -> FloatArray:
    """The median size of the days on which each try moved; 0 for one that never did."""
    sizes = np.where(returns == 0, np.nan, np.abs(returns))
    found: FloatArray = np.zeros(returns.shape[1])
    moved = np.isfinite(sizes).any(axis=0)
    found[moved] = np.nanmedian(sizes[:, moved], axis=0)
    return found


def _signs(days: int, flips: int, seed: int) -> FloatArray:
    """Shape (worlds, days), each 1 or -1; the first world is this one."""
    if 2**days <= flips + 1:
        worlds = np.arange(2**days)
        down = (worlds[:, None] >> np.arange(days)) & 1
    else:
        down = np.random.default_rng(seed).integers(0, 2, (flips + 1, days))
        down[0] = 0
    return np.where(down == 1, -1.0, 1.0)
