#!/usr/bin/env bash
# Makes functions/console/vendor/realtime-js.js, or the file that is named, of what the lock lists.
set -euo pipefail
here="$(dirname "$(realpath "$0")")"
output="$(realpath "${1:-$here/../../functions/console/vendor/realtime-js.js}")"
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
