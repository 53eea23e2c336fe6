"""Endpoints about the service itself, not about sessions."""
