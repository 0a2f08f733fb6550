package httpapi

import (
	"testing"

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
		fields := takeAllocation(body)
		fields.notNull(body)
		body.Require(requiredNames...)
		if err := body.Done(); err != nil && len(err.Error()) > 6400 {
			t.Fatalf("error of %d bytes", len(err.Error()))
		}
	})
}
