"""What every collector has in common: stamps and watermarks, venue time, the spool, gaps, patience with a venue."""
