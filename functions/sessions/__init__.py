"""Endpoints for sessions."""
