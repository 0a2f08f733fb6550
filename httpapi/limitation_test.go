package httpapi

import (
	"strings"
	"testing"

	"conga/controller/topology"
)

// TestLimitationOfAPort: what is wrong with what hangs on a port comes before
// what its hosts do.
func TestLimitationOfAPort(t *testing.T) {
	for want, p := range map[string]topology.Port{
		"":                                   {},
		"a ring behind it":                   {Trouble: topology.Reflecting, Closed: true},
		"hosts pass them on":                 {Trouble: topology.Relayed},
		"it carries to port ":                {Trouble: topology.Deaf},
		"it carries from port ":              {Trouble: topology.Unheard},
		"closed: a ring leads to port ":      {Trouble: topology.SharedSegment, Closed: true, Echoing: true},
		"carries best effort but no alloc":   {Trouble: topology.SharedSegment, Shared: true},
		"frames of hosts that are known els": {Echoing: true, Storming: true},
		"announce addresses without end":     {Storming: true, Crowded: true},
		"network.learning.hosts_per_port":    {Crowded: true},
	} {
		if got := limitationOf(p); !strings.Contains(got, want) || want == "" && got != "" {
			t.Errorf("%+v: %q, want %q", p, got, want)
		}
	}
}
