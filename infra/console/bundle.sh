#!/usr/bin/env bash
# bundle.sh [FILE]: bundles Supabase's Realtime client, at the locked version, into FILE (default:
# clients/console/vendor/realtime-js.js).
set -euo pipefail
here="$(dirname "$(realpath "$0")")"
output="$(realpath "${1:-$here/../../clients/console/vendor/realtime-js.js}")"
cd "$here"
packages=node_modules/@supabase

notice() {
  printf '/*!\n'
  for package in realtime-js phoenix; do
    version="$(node -p "require('./$packages/$package/package.json').version")"
    printf '@supabase/%s %s\n\n' "$package" "$version"
    cat "$packages/$package"/LICENSE*
    printf '\n'
  done
  printf '*/\n'
}

[ -d "$packages" ] || npm ci --silent --no-audit --no-fund
{
  notice
  echo 'export { RealtimeClient } from "@supabase/realtime-js";' |
    node_modules/.bin/esbuild --bundle --minify --format=esm --platform=browser --target=es2022 \
      --legal-comments=none --log-level=warning
} >"$output"
