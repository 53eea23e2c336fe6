#!/bin/sh
# A whole session against a service that runs: smoke.sh URL
exec "$(dirname "$0")/../module.sh" "$0" infra.checks.smoke "$@"
