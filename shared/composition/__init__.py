"""Builds the parts of an instance, for the container and for a function alike."""
