package httpapi_test

import (
	"strings"
	"testing"

	"conga/httpapi"
)

// TestPositions: a map learns where a switch is, by either pair of coordinates,
// also after the configuration was read again.
func TestPositions(t *testing.T) {
	now := map[string]httpapi.Position{}
	h := newHarness(t, func(c *httpapi.Config) { c.Positions = func() map[string]httpapi.Position { return now } })
	for _, c := range []struct {
		at   httpapi.Position
		want string
	}{
		{httpapi.Position{X: new(0.0), Y: new(-20.5)}, `"position":{"x":0,"y":-20.5}`},
		{httpapi.Position{Latitude: new(40.42), Longitude: new(-86.92)}, `"position":{"latitude":40.42,"longitude":-86.92}`},
	} {
		if a := h.do("GET", "/api/v1/switches/1", "", bearer(h.admin)); a.code != 200 || !strings.Contains(a.body, `"position":null`) {
			t.Errorf("%d %s, without a position", a.code, a.body)
		}
		now = map[string]httpapi.Position{"0000000000000001": c.at}
		for _, address := range []string{"/api/v1/switches/1", "/api/v1/switches"} {
			if a := h.do("GET", address, "", bearer(h.admin)); a.code != 200 || !strings.Contains(a.body, c.want) {
				t.Errorf("%s: %d %s, want %s", address, a.code, a.body, c.want)
			}
		}
		now = nil
	}
}
