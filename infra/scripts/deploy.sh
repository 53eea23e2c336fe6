#!/bin/sh
# deploy.sh --help explains it; infra/deployment/ does it.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
if [ ! -x "$root/.venv/bin/python" ]; then
    echo "deploy.sh: there is no .venv; run \`make setup\` in $root" >&2
    exit 1
fi
PYTHONPATH=$root exec "$root/.venv/bin/python" -m infra.deployment deploy "$@"
