"""Bets against the side that pays an extreme funding rate."""
