#!/bin/sh
# Builds conga_VERSION_ARCH.deb and .rpm in bin/packages, or in OUT, for the
# machine that it runs on. The same commit gives the same bytes: paths are left
# out of the binaries, and all times are that of the commit.
#
# BINARIES is a directory with the two commands of another version, which are
# taken instead of this one's; VERSION then says which that is.
set -eu
cd "$(dirname "$0")/.."
GO=${GO:-go}
OUT=${OUT:-bin/packages}
eval "$(packaging/version.sh)"
STAGE=$(mktemp -d)
trap 'rm -rf "$STAGE"' EXIT
GOARCH=$($GO env GOARCH)
export VERSION COMMIT SOURCE_DATE_EPOCH STAGE GOARCH
mkdir -p "$OUT" "$STAGE/bin" "$STAGE/man" "$STAGE/completions"
umask 022

CGO_ENABLED=0 $GO build -trimpath -buildvcs=false -ldflags "-s -w $(packaging/version.sh ldflags)" \
    -o "$STAGE/bin/" ./cmd/congad ./cmd/conga
for command in conga congad; do
    "$STAGE/bin/$command" man "$STAGE/man"
    "$STAGE/bin/$command" completion bash >"$STAGE/completions/$command.bash"
    "$STAGE/bin/$command" completion fish >"$STAGE/completions/$command.fish"
    "$STAGE/bin/$command" completion zsh >"$STAGE/completions/_$command"
done
gzip -9n "$STAGE"/man/*
if [ -n "${BINARIES:-}" ]; then
    install -m 0755 "$BINARIES/conga" "$BINARIES/congad" "$STAGE/bin/"
fi
for packager in deb rpm; do
    $GO tool -modfile=packaging/nfpm.mod nfpm package -f packaging/nfpm.yaml -p $packager -t "$OUT/"
done
