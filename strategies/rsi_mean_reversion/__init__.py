"""Bets that a stretched price comes back."""
