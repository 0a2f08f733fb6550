#!/usr/bin/env bash
# ogen 1.25.0 and oapi-codegen 2.8.2 (Go): do generators that take a document which says that
# it is OpenAPI 3.1 read the words of JSON Schema 2020-12 in it, which 3.1 is made of?
#
# Guess: yes, or they say that they do not read 3.1.
# Behaviour: both take documents of 3.1 and refuse some of its words one by one, each other
# ones. exclusiveMinimum is a number since 3.1; ogen still wants 3.0's boolean and fails
# there, while oapi-codegen takes it. Of a type that is a list both take a type and null;
# a list of two types ogen says that it does not support, and oapi-codegen fails at. A schema
# and a response of one name are two things in a document; both make a type of each under
# that name, and fail.
# So: what is served for generators is a form of its own, in words that all of them read, and
# generators are run on it (httpapi/openapi/generators).
set -eu
tmp=$(mktemp -d)
trap 'chmod -R u+w "$tmp"; rm -rf "$tmp"' EXIT
export GOMODCACHE=$tmp/mod GOFLAGS=-mod=mod
cd "$tmp"
cat >go.mod <<'MOD'
module finding
go 1.26
MOD
go get -tool github.com/oapi-codegen/oapi-codegen/v2/cmd/oapi-codegen@v2.8.2 2>/dev/null
go get -tool github.com/ogen-go/ogen/cmd/ogen@v1.25.0 2>/dev/null
for module in github.com/ogen-go/ogen github.com/oapi-codegen/oapi-codegen/v2; do
	go list -m -f 'version of {{.Path}}: {{.Version}}' "$module"
done
go build -o ogen github.com/ogen-go/ogen/cmd/ogen
go build -o oapi-codegen github.com/oapi-codegen/oapi-codegen/v2/cmd/oapi-codegen

# document SCHEMA NAME: a document with a schema Thing that has the schema, and a response of
# that name with an array of Things.
document() {
	cat >document.json <<DOC
{"openapi": "3.1.0", "info": {"title": "t", "version": "1"},
 "paths": {"/things": {"get": {"operationId": "showThing", "responses": {"200": {"\$ref": "#/components/responses/$2"}}}}},
 "components": {
  "responses": {"$2": {"description": "d", "content": {"application/json": {"schema": {"type": "object", "properties": {
   "things": {"type": "array", "items": {"\$ref": "#/components/schemas/Thing"}}}}}}}},
  "schemas": {"Thing": {"type": "object", "required": ["n"], "properties": {"n": $1}}}}}
DOC
}

failed=0
# expect WHAT TOOL WORDS: the tool's output has the words; "" is: it succeeds.
expect() {
	case $2 in
	ogen) out=$(./ogen -target o -package o -clean document.json 2>&1) && code=0 || code=$? ;;
	*) out=$(./oapi-codegen -generate types,client -package o document.json 2>&1) && code=0 || code=$? ;;
	esac
	if [ -z "$3" ] && [ $code = 0 ]; then
		echo "$1: $2 takes it"
	elif [ -n "$3" ] && [ $code != 0 ] && line=$(grep -m1 -oF "$3" <<<"$out"); then
		echo "$1: $2 says: $line"
	else
		echo "$1: $2 has changed: exit code $code: $(head -c 600 <<<"$out")"
		failed=1
	fi
}

document '{"type": "number", "exclusiveMinimum": 0}' Shown
expect "exclusiveMinimum: 0" ogen 'into bool'
expect "exclusiveMinimum: 0" oapi-codegen ''
document '{"type": ["integer", "null"]}' Shown
expect "type: [integer, null]" ogen ''
expect "type: [integer, null]" oapi-codegen ''
document '{"type": ["integer", "string"]}' Shown
expect "type: [integer, string]" ogen 'multiple types are not supported'
expect "type: [integer, string]" oapi-codegen 'unhandled Schema type'
document '{"type": "integer"}' Thing
expect "a schema and a response Thing" ogen 'type name conflict: "Thing"'
expect "a schema and a response Thing" oapi-codegen "duplicate typename 'Thing'"
exit $failed
