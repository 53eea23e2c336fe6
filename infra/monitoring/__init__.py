"""Monitoring: a Grafana dashboard, Prometheus rules and the list of metrics."""
