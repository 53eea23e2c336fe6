"""Code that the container and the Lambda functions share."""

VERSION = "2.0.0"
