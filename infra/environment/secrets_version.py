"""`make deploy`: print a version of a stage's secrets, so that functions start anew after a change.

Instances read secrets when they start, and a snapshot keeps them. The version is a variable of all
functions: if it changes, Lambda starts new instances and makes new snapshots.
"""

import argparse
import sys

from botocore.exceptions import BotoCoreError, ClientError

from infra.environment.aws_parameters import version
from infra.environment.function_settings import default_region


def main(arguments: list[str] | None = None) -> None:
    """Print the version; exit with AWS's message if it can't be read."""
    parser = argparse.ArgumentParser(prog="secrets_version", description=__doc__)
    parser.add_argument("--stage", required=True)
    parser.add_argument("--region", default=default_region(), help="default: %(default)s")
    options = parser.parse_args(arguments)
    try:
        print(version(options.stage, options.region))
    except (BotoCoreError, ClientError) as error:
        sys.exit(f"deploy: the versions of the secrets can't be read: {error}")


if __name__ == "__main__":
    main()
