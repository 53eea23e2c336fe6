"""Local emulator of API Gateway, Lambda, SQS and EventBridge, configured by serverless.yml."""

from infra.local.functions.local_run import LocalFunctions, running_functions
from infra.local.functions.options import LocalRunOptions
from infra.local.functions.runtime_api import FunctionError

__all__ = [
    "FunctionError",
    "LocalFunctions",
    "LocalRunOptions",
    "running_functions",
]
