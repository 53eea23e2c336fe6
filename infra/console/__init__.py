"""Builds the console of a release: few files, which browsers keep for a year."""
