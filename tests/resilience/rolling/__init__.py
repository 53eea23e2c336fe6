"""Instances are restarted and killed while clients keep playing."""
