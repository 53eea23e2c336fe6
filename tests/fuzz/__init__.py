"""Random tests: sessions on two instances, and requests generated from the OpenAPI document."""
