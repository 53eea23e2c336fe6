#!/bin/sh
# smoke.sh URL: plays a whole session on a running service.
exec "$(dirname "$0")/../module.sh" "$0" infra.checks.smoke "$@"
