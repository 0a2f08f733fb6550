#!/bin/sh
# Makes the README's pictures anew, from congad demo in a headless Chromium.
set -eu
cd "$(dirname "$0")/.."
command -v node >/dev/null || { echo "web: there is no node, which drives the browser" >&2; exit 1; }
chromium=$(command -v chromium) || { echo "web: there is no chromium; web/chromium.sh installs Debian's" >&2; exit 1; }
[ -e web/dist/index.html ] || { echo "web: the page is not built; run make build" >&2; exit 1; }

temporary=$(mktemp -d)
bin/congad demo --data "$temporary/data" --api 127.0.0.1:0 >"$temporary/says" &
demo=$!
trap 'kill "$demo" 2>/dev/null || true; wait "$demo" 2>/dev/null || true; rm -rf "$temporary"' EXIT
address=
for _ in $(seq 120); do
	address=$(sed -n 's/.*--server \(https:[^ ]*\).*/\1/p' "$temporary/says" | head -1)
	[ -z "$address" ] || break
	kill -0 "$demo"
	sleep 1
done
[ -n "$address" ] || { echo "web: the demonstration does not say where it is" >&2; exit 1; }
mkdir -p web/pictures
cd web
node test/pictures.mjs "$address" "$temporary/data/admin.key" pictures "$chromium"
for picture in pictures/*.png; do
	[ "$(wc -c <"$picture")" -lt 153600 ] || { echo "web: $picture has more than 150 kB" >&2; exit 1; }
done
