"""Tests of infra: checks, deployment, image, monitoring, packaging."""
