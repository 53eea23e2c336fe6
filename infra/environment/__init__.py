"""Validate the settings of a deployment, and set its secrets."""
