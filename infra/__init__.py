"""Deployment and operations, and local emulators of the managed services."""
