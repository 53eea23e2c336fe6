"""What makes a function of AWS Lambda of an endpoint or a worker."""
