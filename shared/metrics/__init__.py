"""The metrics of the service, for Prometheus and for CloudWatch."""
