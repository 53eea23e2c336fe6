"""Scaling measurements: rate of switches, or delivery times, while one number grows."""
