"""Gives a signal at every grid point: for measuring, not for trading."""
