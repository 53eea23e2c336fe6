"""What watches the service: a dashboard for Grafana, rules for Prometheus, the list of metrics."""
