"""A small AWS client for Lambda functions, which imports faster than the AWS SDK."""
