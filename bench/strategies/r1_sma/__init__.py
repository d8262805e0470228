"""Rule set R1, case sma: for comparing with other engines, not for trading."""
