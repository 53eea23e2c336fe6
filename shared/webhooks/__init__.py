"""Sends webhooks over HTTPS, only to public addresses."""
