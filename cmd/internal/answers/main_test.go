package main

import (
	"strings"
	"testing"
)

func TestCheck(t *testing.T) {
	const good = `{"method":"DELETE","path":"/api/allocations/x","code":200,"header":{"content-type":"application/json"},"body":"{\"status\":0,\"results\":[{\"allocation_id\":\"x\"}],\"errors\":[]}"}
`
	for name, c := range map[string]struct {
		lines string
		n     int
		says  string // "": no error
	}{
		"none":     {"", 0, ""},
		"good":     {good + good, 2, ""},
		"bad":      {good + strings.Replace(good, "allocation_id", "id", 1) + good, 3, "DELETE /api/allocations/x: 200 is not as documented"},
		"a status": {strings.Replace(good, "200", "299", 1), 1, "299 is not as documented"},
		"no JSON":  {good + "x", 1, "invalid character"},
	} {
		n, err := check(strings.NewReader(c.lines))
		if n != c.n || (err == nil) != (c.says == "") || err != nil && !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %d answers, %v", name, n, err)
		}
	}
}
