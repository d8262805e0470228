"""Takes the side that is paid the funding."""
