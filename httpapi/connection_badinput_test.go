package httpapi_test

import (
	"strings"
	"testing"

	"conga/allocator/store"
)

// goodAnd returns a report of a good connection and, behind it, a bad one.
func goodAnd(bad string) string { return "[" + conn("", "protocol", "") + "," + bad + "]" }

var badReports = []badInput{
	{"not JSON", `connections=1`, 400, "body: not valid JSON at byte 1"},
	{"identifier without quotes", goodAnd(conn("source", "user", "vcap")), 400, "body: not valid JSON"},
	{"cut short", `[` + conn("", "protocol", ""), 400, "unexpected end of JSON input"},
	{"trailing comma", `[` + conn("", "protocol", "") + `,]`, 400, "not valid JSON"},
	{"trailing garbage", `[] x`, 400, "not valid JSON"},
	{"bad UTF-8", goodAnd(conn("source", "user", "\"\xff\"")), 400, "body: not valid UTF-8"},
	{"deep", strings.Repeat("[", 20000) + strings.Repeat("]", 20000), 400, "not valid JSON"},
	{"string", `"x"`, 400, "body: must be an array of connections, not a string"},
	{"null", `null`, 400, "body: must be an array of connections, not null"},
	{"connections an object", `{"connections":{}}`, 400, "connections: must be an array, not an object"},
	{"connections null", `{"connections":null}`, 400, "connections: must be an array, not null"},
	{"duplicate", `{"connections":[],"connections":[]}`, 400, "connections: given twice"},
	{"empty object", `{}`, 422, "source: is required"},
	{"unknown beside the list", `{"connections":[],"colour":1}`, 422, "colour: is not a field"},
	{"no object", goodAnd(`7`), 400, "[1]: must be an object, not a number"},
	{"an array", goodAnd(`[]`), 400, "[1]: must be an object, not an array"},
	{"duplicate within", goodAnd(`{"source":{},"source":{}}`), 400, "[1].source: given twice"},
	{"duplicate further within", goodAnd(conn("source", "port", `1,"port":2`)), 400, "[1].source.port: given twice"},
	{"many fields", goodAnd("{" + manyFields(100) + "}"), 400, "[1].body: more than 64 fields"},
	{"many connections", "[" + strings.Repeat("0,", 10_000) + "0]", 413, "body: more than 10000 connections"},
	{"large", "[" + strings.Repeat(" ", 4<<20) + "]", 413, "body: larger than 4194304 bytes"},
	{"no source", goodAnd(conn("", "source", "")), 422, "[1].source: is required"},
	{"source null", goodAnd(conn("", "source", "null")), 422, "[1].source: is required"},
	{"source an array", goodAnd(conn("", "source", "[]")), 400, "[1].source: must be an object, not an array"},
	{"no destination", goodAnd(conn("", "destination", "")), 422, "[1].destination: is required"},
	{"no source ip", goodAnd(conn("source", "ip", "")), 422, "[1].source.ip: is required"},
	{"source ip null", goodAnd(conn("source", "ip", "null")), 422, "[1].source.ip: is required"},
	{"source ip a number", goodAnd(conn("source", "ip", "5")), 400, "[1].source.ip: must be a string, not a number"},
	{"source ip a name", goodAnd(conn("source", "ip", `"host"`)), 422, `[1].source.ip: "host" is not an IP address`},
	{"source ip empty", goodAnd(conn("source", "ip", `""`)), 422, `[1].source.ip: "" is not an IP address`},
	{"source ip with a zone", goodAnd(conn("source", "ip", `"fe80::1%eth0"`)), 422, "[1].source.ip: \"fe80::1%eth0\" has a zone"},
	{"a listening socket", goodAnd(conn("destination", "ip", `"0.0.0.0"`)), 422, "[1].destination.ip: 0.0.0.0 is no host's address"},
	{"two families", goodAnd(conn("destination", "ip", `"2001:db8::1"`)), 422, "[1].destination: its ip is of another family"},
	{"no port", goodAnd(conn("source", "port", "")), 422, "[1].source.port: is required"},
	{"port empty", goodAnd(conn("source", "port", `""`)), 422, "[1].source.port: is required"},
	{"port null", goodAnd(conn("destination", "port", `null`)), 422, "[1].destination.port: is required"},
	{"port 0", goodAnd(conn("source", "port", "0")), 422, "[1].source.port: must be from 1 to 65535"},
	{"port \"0\"", goodAnd(conn("source", "port", `"0"`)), 422, "[1].source.port: must be an integer from 1 to 65535"},
	{"port 65536", goodAnd(conn("source", "port", `"65536"`)), 422, "[1].source.port: must be an integer from 1 to 65535"},
	{"port -1", goodAnd(conn("source", "port", `"-1"`)), 422, "[1].source.port: must be an integer"},
	{"port a word", goodAnd(conn("source", "port", `"http"`)), 422, "[1].source.port: must be an integer"},
	{"port in hex", goodAnd(conn("source", "port", `"0x50"`)), 422, "[1].source.port: must be an integer"},
	{"port 1.5", goodAnd(conn("source", "port", `1.5`)), 400, "[1].source.port: must be an integer"},
	{"port an array", goodAnd(conn("source", "port", `[80]`)), 400, "[1].source.port: must be an integer, not an array"},
	{"port true", goodAnd(conn("source", "port", `true`)), 400, "[1].source.port: must be an integer, not a boolean"},
	{"pid negative", goodAnd(conn("source", "pid", `-2`)), 422, "[1].source.pid: must be from 0 to"},
	{"pid -1 as text", goodAnd(conn("source", "pid", `"-1"`)), 422, "[1].source.pid: must be an integer from 0 to"},
	{"pid huge", goodAnd(conn("source", "pid", `"99999999999999999999"`)), 422, "[1].source.pid: must be an integer"},
	{"index an object", goodAnd(conn("source", "index", `{}`)), 400, "[1].source.index: must be an integer, not an object"},
	{"index huge", goodAnd(conn("source", "index", `4294967296`)), 422, "[1].source.index: must be from 0 to"},
	{"age negative", goodAnd(conn("source", "age", `-1`)), 422, "[1].source.age: must be from 0 to"},
	{"age a word", goodAnd(conn("source", "age", `"old"`)), 422, "[1].source.age: must be an integer"},
	{"user a number", goodAnd(conn("source", "user", `1000`)), 400, "[1].source.user: must be a string, not a number"},
	{"job long", goodAnd(conn("source", "job", `"`+strings.Repeat("x", 257)+`"`)), 422, "[1].source.job: is longer than 256 bytes"},
	{"protocol a number", goodAnd(conn("", "protocol", `6`)), 400, "[1].protocol: must be a string, not a number"},
	{"protocol unknown", goodAnd(conn("", "protocol", `"carrier pigeon"`)), 422, `[1].protocol: must be tcp or udp, not "carrier pigeon"`},
	{"unknown field", goodAnd(conn("", "colour", `1`)), 422, "[1].colour: is not a field"},
	{"unknown field within", goodAnd(conn("destination", "pid", `1`)), 422, "[1].destination.pid: is not a field"},
}

// TestBadReports: each is refused, at every address, with the reason, and with
// what was good in it.
func TestBadReports(t *testing.T) {
	h := newHarness(t)
	for _, c := range badReports {
		t.Run(c.name, func(t *testing.T) {
			h.t = t
			a := h.want(c.code, "POST", "/api/v1/connections", c.body, bearer(h.key))
			if !strings.Contains(strings.Join(a.Errors, "\n"), c.says) {
				t.Errorf("errors are %q, want %q", a.Errors, c.says)
			}
			if got := h.covalence(c.code, c.body, bearer(h.key)); got.Error != strings.Join(a.Errors, "; ") {
				t.Errorf("error is %q, errors are %q", got.Error, a.Errors)
			}
			if wrapped := strings.Replace(c.says, "[1]", "connections[1]", 1); strings.HasPrefix(c.body, "[") && wrapped != c.says && c.code == 422 {
				a := h.want(c.code, "POST", "/api/connections", `{"api_key":"`+h.key+`","connections":`+c.body+"}")
				if !strings.Contains(strings.Join(a.Errors, "\n"), wrapped) {
					t.Errorf("errors are %q, want %q", a.Errors, wrapped)
				}
			}
			if n := h.disk.Len(store.Connections); n != 0 {
				t.Errorf("%d are stored", n)
			}
		})
	}
}

// TestManyErrors: all that is wrong is named at once, but not without end.
func TestManyErrors(t *testing.T) {
	h := newHarness(t)
	a := h.want(422, "POST", "/api/connections", goodAnd(`{"source":{"ip":"x","port":0},"colour":1}`), bearer(h.key))
	if len(a.Errors) != 4 {
		t.Errorf("%d errors: %q", len(a.Errors), a.Errors)
	}
	a = h.want(400, "POST", "/api/connections", "["+strings.Repeat(`{"source":7},`, 9000)+"0]", bearer(h.key))
	if len(a.Errors) > 25 || !strings.Contains(a.Errors[len(a.Errors)-1], "what follows has not been looked at") {
		t.Errorf("%d errors, the last %q", len(a.Errors), a.Errors[len(a.Errors)-1])
	}
}
