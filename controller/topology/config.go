package topology

import (
	"cmp"
	"slices"
	"time"

	"conga/bitrate"
)

// A LinkOverride is what the configuration says of a cable. It holds for both
// directions.
type LinkOverride struct {
	A, B     PortID
	Capacity bitrate.Rate  // 0: as the ports tell
	Metric   uint32        // 0: 1
	Latency  time.Duration // 0: not known
	Static   bool          // a link as soon as its ports are up, though no probe passes
}

// Config is what a [Builder] knows from the start.
type Config struct {
	DefaultCapacity bitrate.Rate // of ports that do not tell their speed
	Links           []LinkOverride
	Attachments     []Attachment
	Bindings        []Binding
	Strict          bool     // no links but those of Links
	Edges           []PortID // edge ports, whatever probes say

	Tick        time.Duration // how often Expire is called; time in which it is late does not count; default 100 ms
	ProbeTime   time.Duration // a port that hears no probe for this long is an edge port; default 1 s
	LinkTimeout time.Duration // a link whose probes stay away for this long is down; default 10 s
	Absence     time.Duration // how long the links of a switch count after its channel was lost; default 3 s
	Grace       time.Duration // how long what an earlier run saved stands in for switches that have not connected yet; default 15 s
	Doubt       time.Duration // how long a port that may still lead to a switch stays closed; default 5 min
	MaxHosts    int           // learned hosts per port; default 1024
	MaxLearned  int           // learned hosts in all; default 65,536
	MaxAddrs    int           // learned addresses per host; default 64
	MaxAway     int           // switches that are away and of which is remembered what was behind them; default 4096
	HostSilence time.Duration // a host, or an address, that is silent for this long makes room for another; default 10 min
}

func (c Config) withDefaults() Config {
	c.Tick = cmp.Or(c.Tick, 100*time.Millisecond)
	c.ProbeTime = cmp.Or(c.ProbeTime, time.Second)
	c.LinkTimeout = cmp.Or(c.LinkTimeout, 10*time.Second)
	c.Absence = cmp.Or(c.Absence, 3*time.Second)
	c.Grace = cmp.Or(c.Grace, 15*time.Second)
	c.Doubt = cmp.Or(c.Doubt, 5*time.Minute)
	c.MaxHosts = cmp.Or(c.MaxHosts, 1024)
	c.MaxLearned = cmp.Or(c.MaxLearned, 65536)
	c.MaxAddrs = cmp.Or(c.MaxAddrs, 64)
	c.MaxAway = cmp.Or(c.MaxAway, 4096)
	c.HostSilence = cmp.Or(c.HostSilence, 10*time.Minute)
	c.Attachments = slices.SortedStableFunc(slices.Values(c.Attachments), func(a, b Attachment) int {
		return b.Prefix.Bits() - a.Prefix.Bits()
	})
	return c
}
