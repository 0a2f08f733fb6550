package httpapitest

import (
	"fmt"
	"strings"
)

// strangeValues are JSON that may be in place of any member.
var strangeValues = map[string]string{
	"null": "null", "true": "true", "zero": "0", "minus": "-1", "fraction": "1.5", "exponent": "1e400", "huge number": "1" + strings.Repeat("0", 400),
	"empty": `""`, "text": `"x"`, "long text": `"` + strings.Repeat("x", 200_000) + `"`, "array": "[]", "object": "{}",
	"deep": strings.Repeat("[", 5000) + strings.Repeat("]", 5000), "deeper": strings.Repeat(`{"a":`, 20000) + "1" + strings.Repeat("}", 20000),
	"many": "[" + strings.Repeat("1,", 100_000) + "1]",
	"NUL":  `"\u0000"`, "surrogate": `"\ud800"`, "right to left": "\"\u202eabc\"", "combining": `"` + strings.Repeat("é", 500) + `"`,
	"not a character": `"\uffff"`, "newline": `"a\nb"`, "template": `"${jndi:ldap://x}"`, "quote": `"' OR 1=1 --"`, "path": `"../../etc/passwd"`,
}

// strangeBodies are in place of a whole body, and none will do.
var strangeBodies = map[string]string{
	"nothing of JSON": "duration=1", "cut short": `{"a":`, "two": "{}{}", "array": "[{}]", "null": "null", "number": "1", "text": `"x"`,
	"bad UTF-8": "{\"user_id\":\"\xff\xfe\"}", "bad UTF-8 name": "{\"\xff\":1}", "BOM": "\ufeff{}", "UTF-16": "{\x00}\x00", "NUL": "\x00",
	"extra field": `{"colour":"red"}`, "case": `{"User_id":"abc123"}`, "__proto__": `{"__proto__":{"admin":true}}`, "empty name": `{"":1}`,
	"duplicate": `{"api_key":null,"api_key":null}`, "escaped duplicate": `{"api_key":null,"\u0061pi_key":null}`,
	"many fields":    "{" + manyMembers(1000) + "}",
	"deep":           strings.Repeat("[", 100_000),
	"10 MiB":         `{"user_id":"` + strings.Repeat("x", 10<<20) + `"}`,
	"10 MiB of void": strings.Repeat(" ", 10<<20),
}

// strangeNames are in place of a name in an address.
var strangeNames = []string{
	"%00", "%ff", "%2e%2e%2f", "..", "%2F", "'%20OR%201=1", "%E2%80%AE", "conga_", strings.Repeat("x", 20_000), "*", "{id}", "%0d%0aX-Evil:1", "00000000-0000-0000-0000-000000000000",
}

// StrangeQueries are queries that no list takes.
var StrangeQueries = []string{
	"page=-1", "page=%zz", "page=1e9", "page=9999999999999999999999", "per_page=0", "per_page=100000", "colour=red", "page=1&page=1", "project_id=%ff",
	"project_id=%00", ";", "&&&=", "project_id=" + strings.Repeat("x", 10_000), strings.Repeat("a=1&", 2000),
}

// alwaysRefused are values that a schema may allow as text, and which no field
// of ours takes but those of anyText.
var (
	alwaysRefused = []string{"NUL", "surrogate", "newline", "right to left", "not a character"}
	anyText       = []string{"api_key", "password", "uuid", "connection_uuid", "created_at", "changed_by", "reason", "path", "in_use", "degraded", "receipt", "connections", "_links"}
)

func manyMembers(n int) string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprintf(`"f%d":%d`, i, i)
	}
	return strings.Join(out, ",")
}
