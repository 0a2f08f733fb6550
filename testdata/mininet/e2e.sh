#!/usr/bin/env bash
# Runs the end-to-end tests on real Open vSwitch switches in Mininet, as root.
# It installs from Debian what they need and is missing.
#
#   e2e.sh [--list] [--keep] [--shards N] [NAME ...]
#
# A NAME is any part of a test's name. CONGAD names another daemon than bin/congad.
set -u
. "$(dirname "${BASH_SOURCE[0]}")/prepare.sh"

why=$(obstacle)
if [ -n "$why" ]; then
  echo "e2e: $why" >&2
  exit 2
fi
build || exit 1
answers=$(mktemp) || exit 1
trap 'rm -f "$answers"' EXIT
(cd "$here" && CONGA_ANSWERS=$answers exec "$python" -m e2e "$@")
code=$?
# What the tests were answered is held against the OpenAPI document.
if [ -n "$(command -v go)" ]; then
  (cd "$root" && go run ./cmd/internal/answers < "$answers") || code=1
fi
exit "$code"
