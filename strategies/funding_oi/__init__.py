"""Bets against an extreme funding rate while open interest is high."""
