"""Tests of environment variables, secrets, example files and docker-compose.yml."""
