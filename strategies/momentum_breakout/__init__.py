"""Goes with a price that leaves its hourly band on high volume."""
