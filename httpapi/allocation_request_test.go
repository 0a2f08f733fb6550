package httpapi

import (
	"strings"
	"testing"

	"conga/bitrate"
	"conga/httpapi/rest"
)

// FuzzTakeAllocation: whatever the members of a body are, taking them as an
// allocation does not panic, and what is wrong is told in few sentences.
func FuzzTakeAllocation(f *testing.F) {
	f.Add([]byte(`{"duration":3600,"src_ip":"1.2.3.4","x":[[[]]],"protocol":"icmp","lease":null}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		body, err := rest.ParseObject(raw)
		if err != nil {
			return
		}
		fields := takeAllocation(body, 0)
		fields.notNull(body)
		body.Require(fields.required()...)
		if err := body.Done(); err != nil && len(err.Error()) > 6400 {
			t.Fatalf("error of %d bytes", len(err.Error()))
		}
	})
}

// TestNoRate: what is no bandwidth is told the least that is configured, and
// that null is none.
func TestNoRate(t *testing.T) {
	for _, text := range []string{"0", "-5", "9223372036854775808"} {
		for least, want := range map[bitrate.Rate]string{
			0: "bandwidth: must be from 1 to ", 100_000: "bandwidth: must be from 100000 to 9223372036854775807 bit/s, or null for none",
		} {
			body, err := rest.ParseObject([]byte(`{"bandwidth":` + text + `}`))
			if err != nil {
				t.Fatal(err)
			}
			takeAllocation(body, least)
			if err := body.Done(); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s where the least is %d: %v", text, least, err)
			}
		}
	}
}
