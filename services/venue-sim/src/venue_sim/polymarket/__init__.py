"""Polymarket's public market data: Gamma, the CLOB's REST and its market socket."""
