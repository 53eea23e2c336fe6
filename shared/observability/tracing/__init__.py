"""OpenTelemetry tracing; imported only where a collector is configured."""
