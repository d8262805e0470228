"""Rule set R1, case boll: for comparing with other engines, not for trading."""
