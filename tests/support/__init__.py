"""Clients, servers and builders that several tests use."""
