"""Bets against a strong consensus of the nearest prediction market."""
