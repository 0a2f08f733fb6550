#!/usr/bin/env bash
# peers.sh [NAME ...]
#
# Measures, as root, the first ping between all pairs of 32 hosts on eight Open
# vSwitch switches in a row, with congad and beside it with Debian's
# openvswitch-testcontroller and a learning switch on os-ken, which it installs
# where they are missing; or just those of the three that are named, each as often
# as it is. CONGAD names another daemon than bin/congad. The exit code
# is 2 if the machine cannot run it.
set -u
. "$(dirname "${BASH_SOURCE[0]}")/prepare.sh"

why=$(obstacle)
if [ -z "$why" ]; then
  missing=
  [ -n "$(command -v ovs-testcontroller)" ] || missing="openvswitch-testcontroller"
  [ -n "$(command -v osken-manager)" ] || missing="$missing python3-os-ken"
  if [ -n "$missing" ]; then
    echo "Installing from Debian: $missing" >&2
    # shellcheck disable=SC2086
    install_packages $missing >&2 || why="These Debian packages could not be installed: $missing."
  fi
fi
if [ -n "$why" ]; then
  echo "peers: $why" >&2
  exit 2
fi
build >&2 || exit 1
isolated "$python" -m peers "$@"
