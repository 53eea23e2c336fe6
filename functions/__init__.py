"""The endpoints, one route module each. `server` serves all of them from one process."""

import gc
import os

if "AWS_LAMBDA_FUNCTION_NAME" in os.environ:
    # Objects made at start-up live as long as the process, and searching them for garbage takes a
    # tenth of a cold start. `LambdaFunction` enables the collector again.
    gc.disable()
