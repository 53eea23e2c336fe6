"""Tests of the commands that check a stage before and after a deployment."""
