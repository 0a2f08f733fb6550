#!/bin/sh
# Prints what is to be built, as assignments for a shell's eval: VERSION, COMMIT,
# DATE and SOURCE_DATE_EPOCH. With the argument ldflags, the same for go build.
#
# A commit with a tag such as v1.2.3 has that version; any other one is on the
# way to the version in packaging/VERSION, which is higher. An archive, which has
# no repository, has that version itself, and no commit unless COMMIT says which;
# its date is SOURCE_DATE_EPOCH, 1980 if that is not set.
set -eu
cd "$(dirname "$0")/.."
VERSION=${VERSION:-}
COMMIT=${COMMIT:-}
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-}
if [ -z "$COMMIT" ] && [ -e .git ] && COMMIT=$(git rev-parse --short=12 HEAD 2>/dev/null); then
    : "${SOURCE_DATE_EPOCH:=$(git log -1 --format=%ct)}"
    tag=$(git describe --exact-match --tags --match 'v[0-9]*' 2>/dev/null) || tag=
    : "${VERSION:=${tag#v}}"
    : "${VERSION:=$(cat packaging/VERSION)-git$(date -u -d "@$SOURCE_DATE_EPOCH" +%Y%m%d%H%M%S).$COMMIT}"
    git diff --quiet HEAD 2>/dev/null || COMMIT=$COMMIT+dirty
fi
: "${SOURCE_DATE_EPOCH:=315532800}"
: "${VERSION:=$(cat packaging/VERSION)}"
DATE=$(date -u -d "@$SOURCE_DATE_EPOCH" +%Y-%m-%dT%H:%M:%SZ)
if [ "${1:-}" = ldflags ]; then
    at=conga/cmd/internal/version
    echo "-X $at.version=$VERSION -X $at.commit=$COMMIT -X $at.date=$DATE"
else
    printf '%s=%s\n' VERSION "$VERSION" COMMIT "$COMMIT" DATE "$DATE" SOURCE_DATE_EPOCH "$SOURCE_DATE_EPOCH"
fi
