#!/usr/bin/env bash
# Runs congad, as root, with switches of BOFUSS, whose ofdatapath, ofprotocol and
# dpctl have to be on PATH: they are built from their sources, which no package has.
# CONGAD names another daemon than bin/congad. The exit code is 2 if the machine
# cannot run it.
set -u
. "$(dirname "${BASH_SOURCE[0]}")/prepare.sh"

why=$(obstacle)
for program in ofdatapath ofprotocol dpctl; do
  [ -n "$why" ] || [ -n "$(command -v $program)" ] || why="There is no program $program on PATH."
done
if [ -n "$why" ]; then
  echo "bofuss: $why" >&2
  exit 2
fi
build >&2 || exit 1
isolated "$python" -m bofuss "$@"
