#!/usr/bin/env bash
# Runs a command with a Docker engine, Compose and the base images, on a Debian machine that has none of them
# and perhaps no registry: scripts/ci/with-docker.sh npm run e2e:compose. What it started, it ends. Ends with 75
# where no engine, Compose or base image can be had, so that nothing was tried.
set -euo pipefail
unavailable=75
here=$(cd "$(dirname "$0")" && pwd)
engine=
log=$(mktemp)
end_engine() {
  if [ -n "$engine" ]; then
    kill "$engine" 2>/dev/null || true
    wait "$engine" 2>/dev/null || true
  fi
  rm -f "$log"
}
trap end_engine EXIT

if ! docker info >/dev/null 2>&1; then
  if [ "$(id -u)" -ne 0 ]; then
    echo 'with-docker: no Docker engine answers, and only root can start one' >&2
    exit $unavailable
  fi
  if ! command -v dockerd >/dev/null; then
    { apt-get update -qq && apt-get install -y -qq --no-install-recommends docker.io iptables >/dev/null; } || {
      echo 'with-docker: the package docker.io cannot be installed' >&2
      exit $unavailable
    }
  fi
  dockerd --log-level error >"$log" 2>&1 &
  engine=$!
  for _ in $(seq 60); do
    if docker info >/dev/null 2>&1; then break; fi
    sleep 1
  done
  if ! docker info >/dev/null 2>&1; then
    tail -n 20 "$log" >&2
    echo 'with-docker: the Docker engine does not start here' >&2
    exit $unavailable
  fi
fi
"$here/install-compose.sh" && "$here/make-base-images.sh" || {
  echo 'with-docker: Compose or a base image cannot be had' >&2
  exit $unavailable
}
"$@"
