"""Scaling: how many switches a second, and how fast they are delivered, as one number grows."""
