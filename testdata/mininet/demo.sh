#!/usr/bin/env bash
# Shows a priority path on real Open vSwitch switches in Mininet, as root, and
# installs from Debian what that needs. Elsewhere it shows CONGA on the network
# that congad emulates.
set -u
. "$(dirname "${BASH_SOURCE[0]}")/prepare.sh"

build || exit 1
why=$(obstacle)
if [ -n "$why" ]; then
  echo "$why So this is the demo on an emulated network, without Open vSwitch."
  exec "$CONGAD" demo "$@"
fi
isolated "$python" demo.py
