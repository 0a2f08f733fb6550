package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"conga/cmd/internal/terminal"
	"conga/httpapi/client"
)

// topLong is what the manual says about top.
const topLong = `top shows how fast the project's allocations go, and with an operator's key the links
too, the fastest first. On a terminal it goes on doing so: the allocations as the
server's events tell, rates every --interval. There the keys are

  r  sort by rate           b  sort by what is promised
  u  sort by use            e  sort by end
  i  sort by ID             q  quit; so does Ctrl-C

Elsewhere it prints the tables once, or --count times, with -o json one object a
line and with -o yaml a document. A rate is that of the switches' last two samples,
some seconds apart; a dash is what no switch has told.`

func (a *app) topCommand() *cobra.Command {
	t := &topper{app: a}
	c := &cobra.Command{
		Use:   "top",
		Short: "Show the allocations and links that carry most, live",
		Long:  topLong,
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := t.check(); err != nil {
				return err
			}
			survivePipes() // a closed standard error is no reason to stop
			s, err := a.connect("")
			if err != nil {
				return err
			}
			defer s.Close()
			t.s = s
			err = t.run(c.Context())
			if errors.Is(err, syscall.EPIPE) { // the reader is gone
				return exitStatus{code: exitSignal + int(syscall.SIGPIPE)}
			}
			return err
		},
	}
	c.Flags().StringVar(&t.sort, "sort", byRate, "`key` to sort by: "+strings.Join(topKeys(), ", "))
	c.Flags().DurationVar(&t.interval, "interval", 2*time.Second, "`pause` between two looks at the rates")
	c.Flags().IntVar(&t.count, "count", 0, "`number` of looks; 0 is without end on a terminal, and one elsewhere")
	return c
}

// A topper shows what carries most.
type topper struct {
	*app
	s        caller
	sort     string
	interval time.Duration
	count    int
}

// check returns an error for flags that cannot be meant.
func (t *topper) check() error {
	switch {
	case topSorts[t.sort] == nil:
		return usagef("--sort %q: write %s", t.sort, strings.Join(topKeys(), ", "))
	case t.interval < 100*time.Millisecond:
		return usagef("interval %v: write at least 100ms", t.interval)
	case t.count < 0:
		return usagef("count %d: write 0 or more", t.count)
	case t.output == formatName:
		return usagef("--output name: top prints more than IDs; write table, json or yaml")
	}
	return nil
}

// run shows what carries most until it is enough, or ctx ends, which is no
// error.
func (t *topper) run(ctx context.Context) error {
	if terminal.Is(t.out) && !t.structured() && t.count == 0 {
		return t.live(ctx)
	}
	for n := 1; ; n++ {
		now, err := t.look(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		if err := t.print(now, n > 1); err != nil || n >= max(1, t.count) {
			return err
		}
		if !sleep(ctx, t.interval) {
			return nil
		}
	}
}

// A load is what is carried at a moment.
type load struct {
	Allocations []carried          `json:"allocations"`
	Links       []client.LinkStats `json:"links"` // nil: the key may not see them
}

// A carried is an allocation with what it carries.
type carried struct {
	client.AllocationStats
	SrcIP   string        `json:"src_ip"`
	SrcPort *client.Ports `json:"src_port"`
	DstIP   string        `json:"dst_ip"`
	DstPort *client.Ports `json:"dst_port"`
}

// look asks for everything that is shown.
func (t *topper) look(ctx context.Context) (now load, err error) {
	ends := map[string]client.Allocation{}
	for al, err := range t.s.Search(ctx, client.Filter{State: client.Active}) {
		if err != nil {
			return now, err
		}
		ends[al.ID] = al
	}
	all, err := t.s.AllocationsStats(ctx, client.Active)
	if err != nil {
		return now, err
	}
	now.Allocations = make([]carried, 0, len(all))
	for _, one := range all {
		if al, ok := ends[one.ID]; ok { // else it has begun just now
			now.Allocations = append(now.Allocations, carried{one, al.SrcIP, al.SrcPort, al.DstIP, al.DstPort})
		}
	}
	now.Links, err = t.s.LinkStats(ctx)
	if refused, ok := errors.AsType[*client.Error](err); ok && (refused.Status == http.StatusForbidden || refused.Status == http.StatusNotFound) {
		now.Links, err = nil, nil
	}
	if err != nil {
		return now, err
	}
	now.sort(t.sort)
	return now, nil
}

// print prints one look in the format that is asked for. again is set for all
// but the first.
func (t *topper) print(now load, again bool) error {
	switch t.output {
	case formatJSON:
		return json.NewEncoder(t.out).Encode(now)
	case formatYAML:
		if _, err := fmt.Fprintln(t.out, "---"); err != nil {
			return err
		}
		return t.printData(now)
	}
	if again {
		if _, err := fmt.Fprintln(t.out); err != nil {
			return err
		}
	}
	if err := printTable(t.out, now.allocationRows()); err != nil || now.Links == nil {
		return err
	}
	if _, err := fmt.Fprintln(t.out); err != nil {
		return err
	}
	return printTable(t.out, now.linkRows())
}
