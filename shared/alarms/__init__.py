"""Alarms that wake sessions without a request, for deployments without a permanent process."""
