"""Builds the components of an instance, in the container and in functions."""
