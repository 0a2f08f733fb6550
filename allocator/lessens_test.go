package allocator

import (
	"testing"

	"conga/bitrate"
	"conga/controller/path"
)

// TestLessens: a change lessens if nothing of what was asked for becomes more,
// and nothing becomes other than less.
func TestLessens(t *testing.T) {
	constant := ask(1, 1, 2, 1, 40, 60)
	constant.Reverse = path.Reverse{Apart: true, Rate: 20}
	chosen := Request{ProjectID: "p", Key: constant.Key, Leeway: Leeway{Volume: 1000, MaxBandwidth: 50, MinBandwidth: 5}}
	unbounded := chosen
	unbounded.MaxBandwidth = 0
	fixed := chosen
	fixed.Leeway, fixed.Bandwidth, fixed.Duration, fixed.FixedRate = Leeway{Volume: 1000}, 40, 200, true
	protected := constant
	protected.Protected = true
	rate := func(r bitrate.Rate) *bitrate.Rate { return &r }
	moved := constant.Key
	moved.DstPort = path.Port(9)
	for name, c := range map[string]struct {
		r    Request
		c    Change
		want bool
	}{
		"nothing":                  {constant, Change{}, true},
		"less rate":                {constant, Change{Bandwidth: rate(39)}, true},
		"more rate":                {constant, Change{Bandwidth: rate(41)}, false},
		"less back":                {constant, Change{Reverse: &path.Reverse{Apart: true, Rate: 19}}, true},
		"more back":                {constant, Change{Reverse: &path.Reverse{Apart: true, Rate: 21}}, false},
		"as much back as forth":    {constant, Change{Reverse: &path.Reverse{}}, false},
		"shorter":                  {constant, Change{Duration: new(Seconds(59))}, true},
		"longer":                   {constant, Change{Duration: new(Seconds(61))}, false},
		"a second path":            {constant, Change{Protected: new(true)}, false},
		"no second path":           {protected, Change{Protected: new(false)}, true},
		"another path":             {constant, Change{MaxHops: new(4)}, true},
		"another lease":            {constant, Change{Lease: new(Seconds(30))}, true},
		"another time":             {constant, Change{StartTime: new(Seconds(2_000_000))}, false},
		"other traffic":            {constant, Change{Key: &moved}, false},
		"another project":          {constant, Change{ProjectID: new("q")}, false},
		"what is no change":        {constant, Change{Bandwidth: rate(10), Volume: new(uint64(0)), MinBandwidth: rate(7)}, false},
		"fewer bytes":              {chosen, Change{Volume: new(uint64(999))}, true},
		"more bytes":               {chosen, Change{Volume: new(uint64(1001))}, false},
		"a lower bound":            {chosen, Change{MaxBandwidth: rate(49)}, true},
		"a higher bound":           {chosen, Change{MaxBandwidth: rate(51)}, false},
		"no bound":                 {chosen, Change{MaxBandwidth: rate(0)}, false},
		"a first bound":            {unbounded, Change{MaxBandwidth: rate(1 << 50)}, true},
		"a lower least rate":       {chosen, Change{MinBandwidth: rate(4)}, true},
		"a higher least rate":      {chosen, Change{MinBandwidth: rate(6)}, false},
		"bytes at a rate, fewer":   {fixed, Change{Volume: new(uint64(999))}, true},
		"bytes at any rate now":    {fixed, Change{Bandwidth: rate(0), MaxBandwidth: rate(40)}, false},
		"bytes for longer":         {fixed, Change{Bandwidth: rate(39)}, false},
		"bytes at a higher rate":   {fixed, Change{Bandwidth: rate(41)}, false},
		"bytes until another time": {chosen, Change{Deadline: new(Seconds(2_000_000))}, false},
	} {
		if got := c.r.Lessens(c.c, 1_000_000); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
