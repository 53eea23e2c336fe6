"""The audit trail: what an entry looks like, and the databases that keep it."""
