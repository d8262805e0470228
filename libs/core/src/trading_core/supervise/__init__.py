"""The whole platform as processes of this machine: `python -m trading_core up`."""
