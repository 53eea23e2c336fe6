"""Deployment, and stand-ins of managed services for local use."""
