#!/usr/bin/env bash
# Installs from Debian, as root, what the tests hold CONGA against: Open vSwitch
# and Mininet, tshark, which reads OpenFlow too, and promtool, which reads alerts.
# Without them those tests are skipped.
set -u
. "$(dirname "${BASH_SOURCE[0]}")/prepare.sh"

why=$(obstacle)
while [ -z "$why" ] && read -r program package; do
  [ -z "$(command -v "$program")" ] || continue
  echo "Installing from Debian: $package" >&2
  install_packages "$package" >&2 || why="$package could not be installed."
done <<END
tshark tshark
promtool prometheus
END
if [ -n "$why" ]; then
  echo "tests against other programs are skipped: $why" >&2
  exit 2
fi
