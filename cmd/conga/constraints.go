package main

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"conga/httpapi/client"
)

// constraints holds the flags that say which paths will do.
type constraints struct {
	include, avoid []string
	disjointFrom   string
	maxHops        int64
	maxLatency     string
	protect        bool
}

func (k *constraints) flags(c *cobra.Command) {
	f := c.Flags()
	f.StringSliceVar(&k.include, "include", nil, "switches and links that the path crosses, all of them: `DPID` or DPID:port-DPID:port")
	f.StringSliceVar(&k.avoid, "avoid", nil, "switches and links that the path does not cross: `DPID` or DPID:port-DPID:port")
	f.StringVar(&k.disjointFrom, "disjoint-from", "", "`ID` of another allocation, with whose path it has no link between switches in common")
	f.Int64Var(&k.maxHops, "max-hops", 0, "the most `switches` that the path crosses; 0 is any number")
	f.StringVar(&k.maxLatency, "max-latency", "", "the longest that the path takes one way: `25ms`, 400us; by what the configuration says of links")
	f.BoolVar(&k.protect, "protect", false, "hold a second path without a link in common with the first, to which switches turn when that is cut")
}

// constrain puts the flags into a request.
func (k *constraints) constrain(r *client.Request) (err error) {
	r.Include, r.Avoid, r.DisjointFrom, r.MaxHops = k.include, k.avoid, k.disjointFrom, k.maxHops
	if k.protect {
		r.Protection = "path"
	}
	if k.maxLatency != "" {
		r.MaxLatency, err = parseLatency(k.maxLatency)
	}
	return err
}

// change puts the flags that were given into a change.
func (k *constraints) change(given func(flag string) bool, ch *client.Change) error {
	if given("include") {
		ch.Include = noneOf(k.include)
	}
	if given("avoid") {
		ch.Avoid = noneOf(k.avoid)
	}
	if given("disjoint-from") {
		ch.DisjointFrom = &k.disjointFrom
		if strings.EqualFold(k.disjointFrom, "none") {
			ch.DisjointFrom = new(string)
		}
	}
	if given("max-hops") {
		ch.MaxHops = &k.maxHops
	}
	if given("protect") {
		ch.Protection = new("none")
		if k.protect {
			ch.Protection = new("path")
		}
	}
	return set(given("max-latency"), &ch.MaxLatency, k.maxLatency, func(s string) (int64, error) {
		if strings.EqualFold(s, "none") {
			return 0, nil
		}
		return parseLatency(s)
	})
}

// noneOf returns a list, or an empty one for none.
func noneOf(list []string) *[]string {
	if slices.Equal(list, []string{"none"}) {
		list = nil
	}
	return &list
}

// parseLatency reads a latency such as 25ms, and returns microseconds.
func parseLatency(s string) (int64, error) {
	d, err := time.ParseDuration(s)
	if err != nil || d < time.Microsecond || d%time.Microsecond != 0 {
		return 0, usagef("latency %q: write one in whole microseconds, such as 25ms or 400us", s)
	}
	return d.Microseconds(), nil
}

// latency returns a number of microseconds as text.
func latency(us int64) string { return (time.Duration(us) * time.Microsecond).String() }

// constraintRows returns the rows of what constrains the path of an allocation.
func constraintRows(al client.Allocation) (rows [][]string) {
	for _, x := range []struct {
		name string
		list []string
	}{{"Include", al.Include}, {"Avoid", al.Avoid}} {
		if len(x.list) > 0 {
			rows = append(rows, []string{x.name, strings.Join(x.list, " ")})
		}
	}
	if al.DisjointFrom != nil {
		rows = append(rows, []string{"Disjoint from", *al.DisjointFrom})
	}
	if al.MaxHops != nil {
		rows = append(rows, []string{"Most hops", strconv.FormatInt(*al.MaxHops, 10)})
	}
	if al.MaxLatency != nil {
		rows = append(rows, []string{"Most latency", latency(*al.MaxLatency)})
	}
	if al.Protection == "path" {
		rows = append(rows, []string{"Backup path", firstOf(hops(al.BackupPath), "-")})
	}
	if al.CarriedBy != nil {
		rows = append(rows, []string{"Carried by", map[string]string{"path": "path", "backup_path": "backup path"}[*al.CarriedBy]})
	}
	return rows
}
