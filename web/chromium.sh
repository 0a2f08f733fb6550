#!/bin/sh
# Installs Debian's Chromium for the test of the page, if it is missing and
# this is Debian.
set -eu
command -v chromium >/dev/null && exit 0
command -v apt-get >/dev/null || exit 2
apt-get install -y --no-install-recommends chromium >/dev/null 2>&1 && exit 0
apt-get update >/dev/null && apt-get install -y --no-install-recommends chromium >/dev/null
