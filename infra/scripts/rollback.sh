#!/bin/sh
# See rollback.sh --help. Implemented in infra/deployment/.
exec "$(dirname "$0")/../module.sh" "$0" infra.deployment rollback "$@"
