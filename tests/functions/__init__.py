"""Tests of the Lambda functions: their events, AWS calls, cold starts and snapshots."""
