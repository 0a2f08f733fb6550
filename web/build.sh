#!/bin/sh
# Builds the page into web/dist, where Go embeds it, if anything has changed.
# Without Node, or where npm cannot install, the daemon is built with a short
# page in its place; a mistake in the page's source fails.
set -eu
cd "$(dirname "$0")"

without() {
	echo "web: $1; congad is built without its page, and says at / how to get it" >&2
	rm -rf dist/index.html dist/assets
	touch dist/.keep
	exit 0
}

command -v node >/dev/null || without "there is no node"
command -v npm >/dev/null || without "there is no npm"
node -e 'process.exit(process.versions.node.split(".")[0] < 20 ? 1 : 0)' || without "node is older than 20"

# newer TARGET SOURCE...: whether a source is newer than what is made of it.
newer() {
	target=$1; shift
	[ ! -e "$target" ] || [ -n "$(find "$@" -newer "$target" -type f | head -1)" ]
}

if newer node_modules/.installed package-lock.json package.json; then
	npm ci --no-fund --no-audit --loglevel=error || without "npm ci failed"
	touch node_modules/.installed
fi
if newer src/openapi.d.ts ../httpapi/openapi types.mjs node_modules/.installed; then
	node types.mjs
fi
if newer dist/index.html src index.html vite.config.ts tsconfig.json node_modules/.installed; then
	npm run --silent build -- --logLevel warn
fi
