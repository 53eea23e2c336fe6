"""Releases on Fly.io, tried without it."""
