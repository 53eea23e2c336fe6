"""Local emulator of API Gateway, Lambda, SQS and EventBridge, configured by serverless.yml."""

from infra.local.functions.failures import FunctionFailed, NoneAvailable
from infra.local.functions.options import Options
from infra.local.functions.running import Running, running_functions

__all__ = ["FunctionFailed", "NoneAvailable", "Options", "Running", "running_functions"]
