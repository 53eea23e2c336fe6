#!/bin/sh
# deploy.sh --help explains it; infra/deployment/ does it.
exec "$(dirname "$0")/../module.sh" "$0" infra.deployment deploy "$@"
