"""What makes a fill or a result look like bad data rather than like a trade. It is kept, shown, and flagged."""

from __future__ import annotations

from decimal import Decimal

from trading_core.broker.rules import RuleBook


def is_far(rules: RuleBook, price: Decimal, mark_before: Decimal) -> bool:
    """Whether a fill lies further from the mark before its cause than an honest one would."""
    return abs(price - mark_before) > rules.suspect_fill * mark_before


def is_implausible(rules: RuleBook, realised_pnl: Decimal, stake: Decimal) -> bool:
    """Whether a position won or lost more of its stake than an honest trade does."""
    return abs(realised_pnl) > rules.suspect_pnl * stake
