"""One file per endpoint: its route. `server` serves them all from one process."""

import gc
import os

if "AWS_LAMBDA_FUNCTION_NAME" in os.environ:
    # What a start makes stays; looking through it for garbage is a tenth of a cold start. The
    # collector goes on when the function is there (`started` in `shared.serverless.instance`).
    gc.disable()
