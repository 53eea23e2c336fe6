#!/usr/bin/env bash
# bundle.sh [FOLDER]: bundles the console's two libraries, at their locked versions, into FOLDER
# (default: clients/console/vendor).
set -euo pipefail
here="$(dirname "$(realpath "$0")")"
output="$(realpath "${1:-$here/../../clients/console/vendor}")"
cd "$here"

# Prints the name, version and licence of each package as a comment.
notice() {
  printf '/*!\n'
  for package in "$@"; do
    version="$(node -p "require('./node_modules/$package/package.json').version")"
    printf '%s %s\n\n' "$package" "$version"
    cat "node_modules/$package"/LICENSE*
    printf '\n'
  done
  printf '*/\n'
}

# bundle FILE CODE PACKAGE...: bundles CODE into FILE, with the notice of the packages in it.
bundle() {
  local file="$1" code="$2"
  shift 2
  {
    notice "$@"
    echo "$code" |
      node_modules/.bin/esbuild --bundle --minify --format=esm --platform=browser \
        --target=es2022 --legal-comments=none --log-level=warning
  } >"$output/$file"
}

[ -d node_modules/uqr ] || npm ci --silent --no-audit --no-fund
bundle realtime-js.js 'export { RealtimeClient } from "@supabase/realtime-js";' \
  @supabase/realtime-js @supabase/phoenix
bundle uqr.js 'export { encode } from "uqr";' uqr
