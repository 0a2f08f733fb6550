# Sourced by e2e.sh and demo.sh: what they need of the machine.
# shellcheck shell=bash

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
python=/usr/bin/python3
export PATH="$PATH:/usr/sbin:/sbin" PYTHONDONTWRITEBYTECODE=1

# missing_packages prints the Debian packages of the programs that are not here.
missing_packages() {
  local program package
  while read -r program package; do
    [ -n "$(command -v "$program")" ] || echo "$package"
  done <<END
$python python3
ovs-vswitchd openvswitch-switch
ovsdb-server openvswitch-switch
mnexec mininet
iperf3 iperf3
ethtool ethtool
ping iputils-ping
ip iproute2
tc iproute2
ifconfig net-tools
unshare util-linux
END
  [ ! -x "$python" ] || "$python" -c 'import mininet' 2>/dev/null || echo mininet
}

# obstacle prints why no network of Open vSwitch switches can be started here,
# in one sentence, or nothing. It installs what is missing.
obstacle() {
  local packages
  if [ "$(id -u)" != 0 ]; then
    echo "Network namespaces and Open vSwitch need root."
    return
  fi
  packages=$(missing_packages | sort -u | tr '\n' ' ')
  if [ -n "$packages" ]; then
    if [ -z "$(command -v apt-get)" ]; then
      echo "These Debian packages are missing, and there is no apt-get to install them: $packages."
      return
    fi
    echo "Installing from Debian: $packages" >&2
    if ! install_packages $packages >&2; then
      echo "These Debian packages are missing and could not be installed: $packages."
      return
    fi
  fi
  isolation >/dev/null || echo "This machine does not let root make network namespaces."
}

# install_packages installs packages whose services do not start, now or later.
# It runs in a shell of its own, whose end puts back what it has moved.
install_packages() (
  export DEBIAN_FRONTEND=noninteractive
  exec </dev/null
  policy=/usr/sbin/policy-rc.d
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP
  apt-get update -qq || exit
  new=()
  for package in "$@"; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q ' installed$' || new+=("$package")
  done
  trap 'rm -f "$policy"; [ ! -e "$policy.kept" ] || mv "$policy.kept" "$policy"' EXIT
  [ ! -e "$policy" ] || [ -e "$policy.kept" ] || mv "$policy" "$policy.kept" || exit
  printf '#!/bin/sh\n# While tests of CONGA install packages, no service starts.\nexit 101\n' >"$policy" && chmod +x "$policy" || exit
  apt-get install -y -qq --no-install-recommends "$@" >/dev/null || exit
  [ ! -d /run/systemd/system ] || [ "${#new[@]}" = 0 ] || dpkg -L "${new[@]}" |
    sed -n 's|^.*/systemd/system/\([^/]*[^@]\.service\)$|\1|p' | xargs -r systemctl disable --quiet
)

# isolation prints the command under which everything runs: namespaces of its
# own, so that no address, port or interface is in anybody's way, and so that
# nothing is left when it ends.
isolation() {
  local kind
  for kind in "unshare --net --pid --fork --kill-child --mount-proc" "unshare --net"; do
    if $kind true 2>/dev/null; then
      echo "$kind"
      return
    fi
  done
  return 1
}

# isolated becomes a command in such namespaces, with a loopback. It goes before
# other work of the machine: switches and hosts that are programs here stand for
# machines that nobody else would slow down.
isolated() {
  cd "$here" || return 1
  # The shell stays, as the parent that processes without one need.
  # shellcheck disable=SC2016,SC2046
  exec $(isolation) nice -n -20 bash -c 'ip link set lo up && "$@"; exit $?' isolated "$@"
}

# build makes the two programs in bin/, unless CONGAD and CONGA name others.
build() {
  export CONGAD=${CONGAD:-$root/bin/congad} CONGA=${CONGA:-$root/bin/conga}
  if [ "$CONGAD" = "$root/bin/congad" ] && [ -n "$(command -v go)" ]; then
    (cd "$root" && go build -trimpath -o bin/ ./cmd/congad ./cmd/conga) || return 1
  fi
  local program
  for program in "$CONGAD" "$CONGA"; do
    if [ ! -x "$program" ]; then
      echo "There is no program $program; it is built with Go 1.26." >&2
      return 1
    fi
  done
}
