"""Releases on Fly.io: preflight checks, deployment, verification and rollback."""
