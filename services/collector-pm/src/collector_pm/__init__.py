"""Polymarket's public market data: from the venue to MARKET and BOOK."""
