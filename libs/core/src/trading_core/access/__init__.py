"""Who may do what: users of the bus with their subjects, and the secrets that every login needs."""
