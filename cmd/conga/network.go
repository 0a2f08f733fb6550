package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"conga/bitrate"
	"conga/httpapi/client"
)

// query makes c a command that sends one request and prints the answer.
func (a *app) query(c *cobra.Command, ask func(ctx context.Context, s caller, args []string) error) *cobra.Command {
	c.RunE = func(c *cobra.Command, args []string) error {
		if a.output == formatName {
			return usagef("--output name: %s prints no allocations; write table, json or yaml", c.Name())
		}
		s, err := a.connect("")
		if err != nil {
			return err
		}
		defer s.Close()
		return ask(c.Context(), s, args)
	}
	return c
}

func (a *app) pathsCommand() *cobra.Command {
	var bandwidth, duration, reverse string
	var k constraints
	c := a.query(&cobra.Command{
		Use:   "paths SRC DST",
		Short: "Show the path that an allocation would get now",
		Long:  "paths shows the path that an allocation would get now, what is free on it, and where\nit is narrowest. Nothing is reserved.",
		Example: `  conga paths 192.127.1.10 192.127.1.11 --bandwidth 2G --duration 1h
  conga paths 192.127.1.10 192.127.1.11 --avoid 0000000000000003 --protect`,
		Args: needs("SRC", "DST"),
	}, func(ctx context.Context, s caller, args []string) error {
		r, err := outlookRequest(args, bandwidth, duration, reverse)
		if err == nil {
			err = k.constrain(&r)
		}
		if err != nil {
			return err
		}
		p, err := s.Outlook(ctx, r)
		if err != nil {
			return err
		}
		return a.printPath(p)
	})
	c.Flags().StringVar(&bandwidth, "bandwidth", "", "bit/s that the path is to have: `40M`, 2.5G")
	c.Flags().StringVar(&duration, "duration", "", "how long it is needed, from now: `2h`, 1d12h, or seconds")
	c.Flags().StringVar(&reverse, "reverse", "", "bit/s that the way back is to have: `5M`, or 0 for none; without it, as much as --bandwidth")
	k.flags(c)
	return c
}

// outlookRequest returns what is asked for between two addresses. What is empty
// is left out.
func outlookRequest(args []string, bandwidth, duration, reverse string) (r client.Request, err error) {
	if r.SrcIP, err = parseSide("source", args[0]); err != nil {
		return r, err
	}
	if r.DstIP, err = parseSide("destination", args[1]); err != nil {
		return r, err
	}
	if bandwidth != "" {
		if r.Bandwidth, err = parseBandwidth(bandwidth, true); err != nil {
			return r, err
		}
	}
	if reverse != "" {
		r.ReverseBandwidth = new(uint64)
		if *r.ReverseBandwidth, err = parseReverse(reverse, true); err != nil {
			return r, err
		}
	}
	if duration != "" {
		r.Duration, err = parseDuration(duration)
	}
	return r, err
}

func (a *app) printPath(p client.Path) error {
	if a.structured() {
		return a.printData(p)
	}
	fits := "yes"
	if !p.Fits {
		fits = "no"
	}
	rows := [][]string{
		{"Source", p.Src}, {"Destination", p.Dst}, {"Fits", fits}, {"Reason", text(p.Reason)}, {"Offer", offerOf(p)},
		{"Path", firstOf(hops(p.Path), "-")}, {"Free", zeroRate(p.Free)},
	}
	if len(p.Backup) > 0 {
		rows = append(rows, []string{"Backup path", hops(p.Backup)})
	}
	if err := printTable(a.out, rows); err != nil || len(p.Links) == 0 {
		return err
	}
	fmt.Fprintln(a.out)
	rows = [][]string{{"FROM", "TO", "CAPACITY", "RESERVABLE", "RESERVED", "FREE", "NARROWEST"}}
	for _, l := range p.Links {
		narrowest := "-"
		if p.Bottleneck != nil && p.Bottleneck.ID == l.ID {
			narrowest = "yes"
		}
		rows = append(rows, []string{
			portOf(l.From), portOf(l.To), bits(l.Capacity), bits(l.Reservable), bits(l.Reserved), bits(l.Free), narrowest,
		})
	}
	return printTable(a.out, rows)
}

// offerOf returns in words what would fit instead.
func offerOf(p client.Path) string {
	if p.Offer == nil {
		return "-"
	}
	var parts []string
	if p.Offer.StartTime != 0 {
		parts = append(parts, "from "+when(&p.Offer.StartTime))
	}
	if p.Offer.Bandwidth != 0 {
		parts = append(parts, "now with "+rate(&p.Offer.Bandwidth))
	}
	return strings.Join(parts, ", or ")
}

func (a *app) topologyCommand() *cobra.Command {
	return a.query(&cobra.Command{
		Use:   "topology",
		Short: "Show the switches, links and hosts of the network",
		Long:  "topology shows the switches, links and hosts of the network. It needs an operator's\nkey, or the admin's, in CONGA_KEY.",
		Args:  cobra.NoArgs,
	}, func(ctx context.Context, s caller, _ []string) error {
		switches, err := s.Switches(ctx)
		if err != nil {
			return explainOperators("topology", err)
		}
		links, err := s.Links(ctx)
		if err != nil {
			return err
		}
		hosts, err := s.Hosts(ctx)
		if err != nil {
			return err
		}
		if a.structured() {
			return a.printData(map[string]any{"switches": switches, "links": links, "hosts": hosts})
		}
		return a.printTopology(switches, links, hosts)
	})
}

func (a *app) printTopology(switches []client.Switch, links []client.Link, hosts []client.Host) error {
	rows := [][]string{{"SWITCH", "CONNECTED", "SINCE", "ADDRESS", "PORTS", "UP", "DESCRIPTION"}}
	for _, sw := range switches {
		up := 0
		for _, p := range sw.Ports {
			if p.Up {
				up++
			}
		}
		rows = append(rows, []string{
			sw.DPID, yesNo(sw.Connected), when(sw.Since), text(sw.Address), fmt.Sprint(len(sw.Ports)), fmt.Sprint(up), text(sw.Description),
		})
	}
	if err := printTable(a.out, rows); err != nil {
		return err
	}
	if err := a.printLimitations(switches); err != nil {
		return err
	}
	fmt.Fprintln(a.out)
	rows = [][]string{{"LINK FROM", "TO", "CAPACITY", "METRIC"}}
	for _, l := range links {
		rows = append(rows, []string{portOf(l.From), portOf(l.To), bits(l.Capacity), fmt.Sprint(l.Metric)})
	}
	if err := printTable(a.out, rows); err != nil {
		return err
	}
	fmt.Fprintln(a.out)
	rows = [][]string{{"HOST", "AT", "SEEN", "ADDRESSES"}}
	for _, h := range hosts {
		at := portOf(h.At)
		if h.Second != nil { // it has two network cards
			at += " " + portOf(h.Second)
		}
		rows = append(rows, []string{hostName(h), at, when(h.Seen), firstOf(strings.Join(h.Addresses, " "), "-")})
	}
	return printTable(a.out, rows)
}

// hostName returns the Ethernet address of a host, with the VLAN if it is known
// in one only.
func hostName(h client.Host) string {
	switch {
	case h.VLAN == nil:
		return h.MAC
	case *h.VLAN == 0:
		return h.MAC + " untagged"
	}
	return fmt.Sprintf("%s in VLAN %d", h.MAC, *h.VLAN)
}

// printLimitations prints what is wrong with what hangs on ports, if anything
// is.
func (a *app) printLimitations(switches []client.Switch) error {
	rows := [][]string{{"PORT", "LIMITATION"}}
	for _, sw := range switches {
		for _, p := range sw.Ports {
			if p.Limitation != nil {
				rows = append(rows, []string{portOf(&client.Port{DPID: sw.DPID, Port: p.Port}), *p.Limitation})
			}
		}
	}
	if len(rows) == 1 {
		return nil
	}
	fmt.Fprintln(a.out)
	return printTable(a.out, rows)
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

// portOf returns a port as text; nil is outside the network.
func portOf(p *client.Port) string {
	if p == nil {
		return "outside"
	}
	return p.DPID + ":" + portText(p.Port)
}

// localPort is the number of the port to a switch's own network stack
// (OpenFlow 1.3.5, 7.2.1).
const localPort = 0xfffffffe

// portText returns a port's number as text.
func portText(no uint32) string {
	if no == localPort {
		return "LOCAL"
	}
	return strconv.FormatUint(uint64(no), 10)
}

// bits returns a rate as text, zero too.
func bits(r uint64) string {
	text := bitrate.Rate(r).String()
	number := strings.TrimRight(text, "kMGT")
	return number + " " + text[len(number):] + "bit/s"
}

// zeroRate returns a rate that may be zero as text, or a dash if it is not
// known.
func zeroRate(r *uint64) string {
	if r == nil {
		return "-"
	}
	return bits(*r)
}

// contextFor returns the command's context with a time limit.
func contextFor(c *cobra.Command, d time.Duration) (context.Context, context.CancelFunc) {
	ctx := c.Context()
	if ctx == nil { // while completing
		ctx = context.Background()
	}
	return context.WithTimeout(ctx, d)
}
