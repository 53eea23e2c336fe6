"""Checks of Redis, of Postgres and of a running service."""
