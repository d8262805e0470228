"""Measures the platform beside the raw limits of the same machine in the same run. See README.md."""
