"""Rule set R1, case rsi: for comparing with other engines, not for trading."""
