"""Transports that receive a session's messages, one class per file."""
