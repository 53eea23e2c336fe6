"""Local emulator of API Gateway, Lambda, SQS and EventBridge, configured by serverless.yml."""

from infra.local.functions.errors import ConcurrencyLimitExceeded, FunctionError
from infra.local.functions.local_run import LocalFunctions, running_functions
from infra.local.functions.options import LocalRunOptions

__all__ = [
    "ConcurrencyLimitExceeded",
    "FunctionError",
    "LocalFunctions",
    "LocalRunOptions",
    "running_functions",
]
