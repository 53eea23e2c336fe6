"""The price of a stage on AWS while nobody uses it, computed from its CloudFormation template."""
