"""Adapters that run endpoints and workers as AWS Lambda functions."""
