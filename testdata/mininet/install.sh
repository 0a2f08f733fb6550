#!/usr/bin/env bash
# Installs from Debian, as root, what the tests hold CONGA against: Open vSwitch
# and Mininet, and tshark, which reads OpenFlow too. Without them those tests are
# skipped.
set -u
. "$(dirname "${BASH_SOURCE[0]}")/prepare.sh"

why=$(obstacle)
if [ -z "$why" ] && [ -z "$(command -v tshark)" ]; then
  echo "Installing from Debian: tshark" >&2
  install_packages tshark >&2 || why="tshark could not be installed."
fi
if [ -n "$why" ]; then
  echo "tests against other programs are skipped: $why" >&2
  exit 2
fi
