#!/bin/sh
# Takes away what nothing reads when the system runs: sources, types, maps, specs, manuals.
set -eu
for directory in "$@"; do
  if [ "$directory" != node_modules ]; then
    find "$directory" -mindepth 2 -maxdepth 2 \( -name src -o -name tsconfig.json \) -exec rm -rf {} +
  fi
  find "$directory" -type f \( -name '*.d.ts' -o -name '*.d.mts' -o -name '*.d.cts' -o -name '*.map' -o -name '*.spec.js' \
    -o -name '.tsbuildinfo' -o -iname 'readme*' -o -iname 'changelog*' -o -iname 'history.md' \) -delete
done
