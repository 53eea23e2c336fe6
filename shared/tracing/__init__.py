"""Traces by OpenTelemetry; imported only where somebody collects them."""
