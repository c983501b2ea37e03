#!/usr/bin/env bash
# The main job: set up, register, provision, verify; then break a binding, find the drift and repair it.
# Run it in a sandbox, as `make demo` does: attune-infra sandbox run -- bash examples/demo.sh
set -euo pipefail
cd "$(dirname "$0")"

# Show a command, run it, and require its exit code.
show() {
    local wanted=$1 code=0
    shift
    printf '\n$ %s\n' "$*"
    "$@" || code=$?
    [ "$code" = 0 ] || echo "(exit code $code)"
    [ "$code" = "$wanted" ] || { echo "error: exit code $code, expected $wanted" >&2; exit 1; }
}

show 0 attune-infra setup
show 0 attune-infra registry init
show 0 attune-infra worker register --name worker-demo
show 0 attune-infra worker provision --id 1
show 0 attune-infra verify --worker 1

printf '\nNow a binding disappears.\n'
show 0 python remove_binding.py 1
show 2 attune-infra verify --worker 1
show 2 attune-infra diff --worker 1

printf '\nRepair it.\n'
show 0 attune-infra worker provision --id 1
show 0 attune-infra diff --worker 1
show 0 attune-infra verify --worker 1
