#!/bin/bash
# Generates clients of /openapi.json, as a daemon serves it, with oapi-codegen,
# ogen and openapi-typescript, and has each make a tour of the emulated network;
# spectral and redocly find no error in the document. It needs Node; nothing is
# left behind.
set -euo pipefail
cd "$(dirname "$0")"
here=$PWD
GO=${GO:-go}
if ! command -v npm >/dev/null; then
	echo "generators: npm is missing" >&2
	exit 2
fi
work=$(mktemp -d)
daemon=
end() {
	[ -z "$daemon" ] || kill "$daemon" 2>/dev/null || true
	[ -z "$daemon" ] || wait "$daemon" 2>/dev/null || true
	rm -rf "$work"
}
trap end EXIT
cp -r . "$work/src"
(cd ../../.. && $GO build -o "$work/congad" ./cmd/congad)
cd "$work/src"

# A port that is free now may be taken a moment later: then the next.
for port in $(shuf -i 20000-29999 -n 5); do
	rm -rf "$work/data"
	"$work/congad" demo --api "127.0.0.1:$port" --data "$work/data" >"$work/log" 2>&1 &
	daemon=$!
	until grep -q "bin/conga login" "$work/log" || ! kill -0 "$daemon" 2>/dev/null; do sleep 0.2; done
	if kill -0 "$daemon" 2>/dev/null; then break; fi
	daemon=
done
if [ -z "$daemon" ]; then
	cat "$work/log" >&2
	exit 1
fi
export CONGA_SERVER=https://127.0.0.1:$port CONGA_CA_FILE=$work/data/api.crt CONGA_ADMIN_KEY_FILE=$work/data/admin.key
export NODE_EXTRA_CA_CERTS=$CONGA_CA_FILE
node -e 'fetch(process.env.CONGA_SERVER + "/openapi.json").then(r => r.text()).then(t => process.stdout.write(t))' >openapi.json

if ! npm ci --no-fund --no-audit --ignore-scripts --loglevel=error; then
	echo "generators: npm ci failed" >&2
	exit 2
fi
npx spectral lint --fail-severity error openapi.json >"$work/spectral" 2>&1 || { cat "$work/spectral" >&2; exit 1; }
REDOCLY_TELEMETRY=off npx redocly lint openapi.json >"$work/redocly" 2>&1 || { cat "$work/redocly" >&2; exit 1; }

npx openapi-typescript openapi.json -o openapi.d.ts >/dev/null 2>&1
npx tsc --strict --module nodenext --target es2022 --skipLibCheck --noUncheckedIndexedAccess --outDir js tour.ts
node js/tour.js
echo "ok openapi-typescript"

mkdir oapi
$GO tool oapi-codegen -generate types,client -package oapi openapi.json >oapi/oapi.go
$GO tool ogen -config ogen.yml -target ogen -package ogen -clean openapi.json 2>"$work/ogen" || { cat "$work/ogen" >&2; exit 1; }
[ -z "${TIDY:-}" ] || { $GO mod tidy; cp go.mod go.sum "$here"; } # with other versions of the generators
$GO test -count=1 -v . | grep -E "^(---|ok|FAIL|\s+\S+_test.go)"
