package httpapi_test

import (
	"fmt"
	"strings"
	"testing"
)

// good is a creation that succeeds; the table below spoils it.
const good = `"project_id":"projectB","src_ip":"192.127.1.10","dst_ip":"192.127.1.11","duration":3600`

// with replaces or adds one member of good.
func with(name, value string) string {
	out := []string{}
	for member := range strings.SplitSeq(good, ",") {
		if !strings.HasPrefix(member, `"`+name+`":`) {
			out = append(out, member)
		}
	}
	if value != "" {
		out = append(out, `"`+name+`":`+value)
	}
	return "{" + strings.Join(out, ",") + "}"
}

type badInput struct {
	name, body string
	code       int
	says       string // in one of the errors
}

var badBodies = []badInput{
	{"not JSON", `duration=3600`, 400, "body: not valid JSON at byte 1"},
	{"cut short", `{` + good, 400, "unexpected end of JSON input"},
	{"trailing comma", `{` + good + `,}`, 400, "not valid JSON"},
	{"trailing garbage", `{` + good + `} x`, 400, "not valid JSON"},
	{"two objects", `{` + good + `}{}`, 400, "not valid JSON"},
	{"array", `[{` + good + `}]`, 400, "body: must be a JSON object, not an array"},
	{"null", `null`, 400, "body: must be a JSON object, not null"},
	{"string", `"x"`, 400, "not a string"},
	{"duplicate", `{` + good + `,"duration":1}`, 400, "duration: given twice"},
	{"duplicate, escaped", `{` + good + `,"\u0064uration":1}`, 400, "duration: given twice"},
	{"duplicate, unknown", `{` + good + `,"x y":1,"x y":1}`, 400, `"x y": given twice`},
	{"bad UTF-8", `{` + good + `,"user_id":"` + "\xff" + `"}`, 400, "body: not valid UTF-8"},
	{"NaN", with("duration", "NaN"), 400, "not valid JSON"},
	{"hex", with("duration", "0x10"), 400, "not valid JSON"},
	{"leading zero", with("duration", "010"), 400, "not valid JSON"},
	{"control character", with("user_id", "\"a\nb\""), 400, "not valid JSON"},
	{"deep", `{"duration":` + strings.Repeat("[", 20000) + strings.Repeat("]", 20000) + `}`, 400, "not valid JSON"},
	{"many fields", `{` + manyFields(100) + `}`, 400, "body: more than 64 fields"},
	{"1 MiB and more", with("user_id", `"`+strings.Repeat("x", 1<<20)+`"`), 413, "body: larger than 1048576 bytes"},
}

var badFields = []badInput{
	{"nine to include", with("include", `["1","2","3","4","5","6","7","8","9"]`), 422, "include: must have at most 8 elements"},
	{"65 to avoid", with("avoid", `["1"`+strings.Repeat(`,"1"`, 64)+`]`), 422, "avoid: must have at most 64 elements"},
	{"duration as a string", with("duration", `"3600"`), 400, "duration: must be an integer, not a string"},
	{"duration as a boolean", with("duration", `true`), 400, "duration: must be an integer, not a boolean"},
	{"duration as an object", with("duration", `{"a":[1,2,"}"]}`), 400, "duration: must be an integer, not an object"},
	{"duration 1.5", with("duration", `1.5`), 400, "duration: must be an integer"},
	{"duration 1e3", with("duration", `1e3`), 400, "duration: must be an integer"},
	{"duration 0", with("duration", `0`), 422, "duration: must be from 1 to"},
	{"duration negative", with("duration", `-5`), 422, "duration: must be from 1 to"},
	{"duration beyond int64", with("duration", `9223372036854775808`), 422, "duration: must be from 1 to"},
	{"duration of two years", with("duration", `63072000`), 422, "duration: must be from 1 to"},
	{"duration null", with("duration", `null`), 422, "duration: is required"},
	{"no duration", with("duration", ``), 422, "duration: is required"},
	{"no src_ip", with("src_ip", ``), 422, "src_ip: is required"},
	{"no dst_ip", with("dst_ip", ``), 422, "dst_ip: is required"},
	{"no project_id", with("project_id", ``), 422, "project_id: is required"},
	{"src_ip a number", with("src_ip", `3`), 400, "src_ip: must be a string, not a number"},
	{"src_ip an array", with("src_ip", `["192.127.1.10"]`), 400, "src_ip: must be a string, not an array"},
	{"src_ip a name", with("src_ip", `"host1"`), 422, `src_ip: "host1" is not an IP address`},
	{"src_ip empty", with("src_ip", `""`), 422, `src_ip: "" is not an IP address`},
	{"src_ip with dst_ip in it", with("src_ip", `"192.127.1.0/24"`), 422, "dst_ip: 192.127.1.11 and src_ip, 192.127.1.0/24, have hosts in common"},
	{"src_ip with host bits", with("src_ip", `"10.1.0.7/24"`), 422, "src_ip: 10.1.0.7/24 names a host within the prefix; write 10.1.0.0/24, or 10.1.0.7 for that host alone"},
	{"src_ip with a mask", with("src_ip", `"10.1.0.0/255.255.255.0"`), 422, "src_ip: must be an IP address, or a prefix such as 192.127.1.0/24"},
	{"src_ip too wide", with("src_ip", `"10.0.0.0/7"`), 422, "src_ip: 10.0.0.0/7 is wider than /8"},
	{"dst_ip everything", with("dst_ip", `"0.0.0.0/0"`), 422, "dst_ip: 0.0.0.0/0 is wider than /8"},
	{"dst_ip of an odd length", with("dst_ip", `"2001:db8::/63"`), 422, "dst_ip: the length of 2001:db8::/63 is no multiple of 4"},
	{"dst_ip a prefix with a zone", with("dst_ip", `"fe80::%eth0/64"`), 422, "dst_ip: "},
	{"dst_ip a long prefix", with("dst_ip", `"`+strings.Repeat("1", 5000)+`/8"`), 422, "dst_ip: must be an IP address, or a prefix"},
	{"src_ip with zeros", with("src_ip", `"192.127.001.010"`), 422, "src_ip: "},
	{"src_ip with a zone", with("src_ip", `"fe80::1%eth0"`), 422, "src_ip: \"fe80::1%eth0\" has a zone"},
	{"src_ip long", with("src_ip", `"`+strings.Repeat("1", 5000)+`"`), 422, "src_ip: "},
	{"src_ip unspecified", with("src_ip", `"0.0.0.0"`), 422, "src_ip: "},
	{"dst_ip multicast", with("dst_ip", `"224.0.0.1"`), 422, "dst_ip: "},
	{"two families", with("dst_ip", `"2001:db8::1"`), 422, "dst_ip: "},
	{"to itself", with("dst_ip", `"192.127.1.10"`), 422, "dst_ip: "},
	{"to itself, mapped", with("dst_ip", `"::ffff:192.127.1.10"`), 422, "dst_ip: "},
	{"src_port 0", with("src_port", `0`), 422, "src_port: must be from 1 to 65535"},
	{"src_port 65536", with("src_port", `65536`), 422, "src_port: must be from 1 to 65535"},
	{"src_port -1", with("src_port", `-1`), 422, "src_port: must be from 1 to 65535"},
	{"dst_port a string", with("dst_port", `"80"`), 400, `dst_port: must be an integer, or a text such as "5000-5099" or "5001,5003,5010-5019", not "80"`},
	{"dst_port an empty text", with("dst_port", `""`), 400, `dst_port: must be an integer, or a text`},
	{"dst_port a list", with("dst_port", `[80,81]`), 400, `dst_port: must be an integer, or a text`},
	{"dst_port a range that begins at 0", with("dst_port", `"0-80"`), 422, "dst_port: must be a port from 1 to 65535, a range such as 5000-5099"},
	{"dst_port a range that ends too late", with("dst_port", `"80-65536"`), 422, "dst_port: must be a port from 1 to 65535"},
	{"dst_port a range backwards", with("dst_port", `"90-80"`), 422, "dst_port: 90-80 ends before it begins; write 80-90"},
	{"dst_port with a hole", with("dst_port", `"80,,90"`), 422, "dst_port: must be a port from 1 to 65535"},
	{"dst_port too many entries", with("dst_port", `"1-30001,40003-60005"`), 422, "entries in a switch for each direction, and 64 are the most"},
	{"src_port a fraction", with("src_port", `80.5`), 400, "src_port: must be an integer, written without point or exponent"},
	{"bandwidth 0", with("bandwidth", `0`), 422, "bandwidth: must be from 1 to"},
	{"bandwidth 100M", with("bandwidth", `"100M"`), 400, "bandwidth: must be an integer, not a string"},
	{"bandwidth beyond int64", with("bandwidth", `99999999999999999999`), 422, "bandwidth: must be from 1 to"},
	{"bandwidth a float", with("bandwidth", `1e9`), 400, "bandwidth: must be an integer"},
	{"protocol unknown", with("protocol", `"icmp"`), 422, `protocol: must be tcp, udp or any, not "icmp"`},
	{"protocol a number", with("protocol", `6`), 400, "protocol: must be a string, not a number"},
	{"start_time in the past", with("start_time", `1`), 422, "start_time: "},
	{"start_time in year 10000", with("start_time", `253402300800`), 422, "start_time: "},
	{"start_time as a date", with("start_time", `"2015-04-16"`), 400, `start_time: must be an integer of UNIX seconds, or the text "now" or "+SECONDS", not "2015-04-16"`},
	{"start_time empty", with("start_time", `""`), 400, `or the text "now" or "+SECONDS", not ""`},
	{"start_time NOW", with("start_time", `"NOW"`), 400, `or the text "now" or "+SECONDS", not "NOW"`},
	{"start_time a negative text", with("start_time", `"-5"`), 400, `or the text "now" or "+SECONDS", not "-5"`},
	{"start_time true", with("start_time", `true`), 400, `or the text "now" or "+SECONDS", not a boolean`},
	{"start_time from now without seconds", with("start_time", `"+"`), 422, "start_time: must be UNIX seconds"},
	{"start_time from now, negative", with("start_time", `"+-5"`), 422, "start_time: must be UNIX seconds"},
	{"start_time from now, with a unit", with("start_time", `"+1h"`), 422, "start_time: must be UNIX seconds"},
	{"start_time from now, in more than two years", with("start_time", `"+63072001"`), 422, "start_time: must be UNIX seconds"},
	{"user_id with a control character", with("user_id", `"a\u0000b"`), 422, "user_id: "},
	{"user_id half a surrogate", with("user_id", `"\ud800"`), 422, "user_id: "},
	{"user_id empty", with("user_id", `""`), 422, "user_id: "},
	{"user_id long", with("user_id", `"`+strings.Repeat("x", 200)+`"`), 422, "user_id: "},
	{"user_id of a stranger", with("user_id", `"stranger"`), 403, "user_id: it would be yours"},
	{"project_id of others", with("project_id", `"project B"`), 403, "project_id: the key is for another project"},
	{"project_id unknown", with("project_id", `"projectX"`), 403, "project_id: the key is for another project"},
	{"unknown field", with("colour", `"red"`), 422, "colour: is not a field of this request"},
	{"unknown field, other case", with("Duration", `1`), 422, `"Duration": is not a field of this request`},
	{"unknown field, long", with(strings.Repeat("x", 5000), `1`), 422, "x\"…: is not a field of this request"},
	{"field of answers", with("state", `"active"`), 422, "state: is set by CONGA"},
	{"password", with("password", `"hunter2"`), 422, "password: is not a field of this request"},
}

func manyFields(n int) string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprintf(`"f%d":%d`, i, i)
	}
	return strings.Join(out, ",")
}

// TestBadInput: every bad request has a clear error and stores nothing.
func TestBadInput(t *testing.T) {
	h := newHarness(t)
	for _, c := range append(badBodies, badFields...) {
		t.Run(c.name, func(t *testing.T) {
			h.t = t
			a := h.want(c.code, "POST", "/api/allocations", c.body, bearer(h.key))
			if !strings.Contains(strings.Join(a.Errors, "\n"), c.says) {
				t.Errorf("errors are %q, want %q", a.Errors, c.says)
			}
			if len(a.body) > 1000 {
				t.Errorf("the answer has %d bytes", len(a.body))
			}
			if len(a.Results) != 0 || !strings.Contains(a.body, `"results":[]`) {
				t.Errorf("results of an error are %v", a.Results)
			}
			if n := h.stored(); n != 0 {
				t.Fatalf("%d allocations are stored", n)
			}
		})
	}
	h.t = t
	h.want(201, "POST", "/api/allocations", "{"+good+"}", bearer(h.key)) // the table spoils what works
}

// TestBadUpdate: a refused change changes nothing.
func TestBadUpdate(t *testing.T) {
	h := newHarness(t)
	id := h.create("")
	before := h.want(200, "GET", "/api/allocations/"+id, "", bearer(h.key)).body
	for _, c := range []badInput{
		{"wrong type", `{"duration":"7200"}`, 400, "duration: must be an integer"},
		{"one good, one bad", `{"duration":7200,"dst_port":0}`, 422, "dst_port: must be from 1"},
		{"null duration", `{"duration":null}`, 422, "duration: cannot be null"},
		{"null address", `{"src_ip":null}`, 422, "src_ip: cannot be null"},
		{"null project", `{"project_id":null}`, 422, "project_id: cannot be null"},
		{"another user", `{"user_id":"xyz987"}`, 422, "user_id: cannot be changed"},
		{"another project", `{"project_id":"project B"}`, 403, "project_id: the key is for another project"},
		{"unknown field", `{"state":"complete"}`, 422, "state: is set by CONGA"},
		{"same ends", `{"dst_ip":"192.127.1.10"}`, 422, "dst_ip: "},
		{"too much", `{"bandwidth":900000000}`, 409, "bandwidth: "},
	} {
		for _, method := range []string{"POST", "PATCH"} {
			t.Run(method+" "+c.name, func(t *testing.T) {
				h.t = t
				a := h.want(c.code, method, "/api/allocations/"+id, c.body, bearer(h.key))
				if !strings.Contains(strings.Join(a.Errors, "\n"), c.says) {
					t.Errorf("errors are %q, want %q", a.Errors, c.says)
				}
				if after := h.want(200, "GET", "/api/allocations/"+id, "", bearer(h.key)).body; after != before {
					t.Errorf("changed to %s", after)
				}
			})
		}
	}
	h.t = t
	h.want(422, "PUT", "/api/allocations/"+id, `{"duration":7200}`, bearer(h.key))
	if after := h.want(200, "GET", "/api/allocations/"+id, "", bearer(h.key)).body; after != before {
		t.Errorf("changed to %s", after)
	}
}

// TestAllErrorsAtOnce: one answer names everything that is wrong.
func TestAllErrorsAtOnce(t *testing.T) {
	h := newHarness(t)
	a := h.want(422, "POST", "/api/allocations", `{"src_ip":"x","src_port":0,"colour":1}`, bearer(h.key))
	all := strings.Join(a.Errors, "\n")
	for _, field := range []string{"project_id: is required", "src_ip: ", "src_port: ", "dst_ip: is required", "duration: is required", "colour: "} {
		if !strings.Contains(all, field) {
			t.Errorf("no error about %q in %q", field, a.Errors)
		}
	}
	if len(a.Errors) != 6 {
		t.Errorf("%d errors, want 6: %q", len(a.Errors), a.Errors)
	}
}

func TestContentType(t *testing.T) {
	h := newHarness(t)
	for _, c := range []struct {
		contentType string
		code        int
	}{
		{"application/json", 201},
		{"application/json; charset=utf-8", 201},
		{"Application/JSON;charset=UTF-8", 201},
		{"application/vnd.conga+json", 201},
		{"application/vnd.conga+json; version=1.0", 201},
		{"application/vnd.conga+json; version=2.0", 415},
		{"application/json; charset=latin1", 415},
		{"application/x-www-form-urlencoded", 415},
		{"text/plain", 415},
		{"nonsense;;", 415},
		{"", 201}, // nothing else can be meant
	} {
		a := h.want(c.code, "POST", "/api/allocations", "{"+good+"}", bearer(h.key), header{"Content-Type", c.contentType})
		if c.code == 201 {
			h.want(200, "DELETE", a.header.Get("Location"), "", bearer(h.key))
		} else if !strings.Contains(a.Errors[0], "Content-Type: ") {
			t.Errorf("%q: errors are %q", c.contentType, a.Errors)
		}
	}
	h.want(415, "POST", "/api/allocations", "{"+good+"}", bearer(h.key), header{"Content-Encoding", "gzip"})
	merge := header{"Content-Type", "application/merge-patch+json"}
	if a := h.want(415, "POST", "/api/allocations", "{"+good+"}", bearer(h.key), merge); a.header.Get("Accept") == "" {
		t.Error("415 does not say what is taken")
	}
	id := h.create("")
	h.want(200, "PATCH", "/api/allocations/"+id, `{"duration":60}`, bearer(h.key), merge)
	h.want(200, "DELETE", "/api/allocations/"+id, "", bearer(h.key))
	// Without a body its type does not matter; curl sends one all the same.
	h.want(200, "GET", "/api/allocations", "", bearer(h.key), header{"Content-Type", "text/plain"})
	if n := len(h.alloc.Live("")); n != 0 {
		t.Errorf("%d allocations are left", n)
	}
}
