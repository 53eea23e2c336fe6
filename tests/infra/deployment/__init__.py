"""Tests of the release scripts for Fly.io, without Fly.io."""
