package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"conga/cmd/internal/terminal"
	"conga/httpapi/client"
)

func (a *app) watchCommand() *cobra.Command {
	var project string
	var interval time.Duration
	c := &cobra.Command{
		Use:   "watch [ID...]",
		Short: "Show allocations as they change",
		Long: `watch shows the project's allocations, or those named, and goes on showing them as
they change. On a terminal the table is drawn over; elsewhere each change is a line,
with -o json a JSON object: the allocation, or {"allocation_id": ..., "state":
"released"} once it is in no list any more; with -o yaml the same as a document.

Changes come from the server's events where it has them; otherwise it is asked every
--interval. If allocations are named, watch ends when all of them are complete or
released; otherwise with Ctrl-C. A server that cannot be reached, or has a fault, is
tried again.`,
		RunE: func(c *cobra.Command, ids []string) error {
			if interval < 100*time.Millisecond {
				return usagef("interval %v: write at least 100ms", interval)
			}
			survivePipes() // a closed standard error is no reason to stop
			s, err := a.connect(project)
			if err != nil {
				return err
			}
			defer s.Close()
			if project, err = s.projectOr(c.Context(), project); err != nil {
				return err
			}
			w := &watcher{
				app: a, s: s, project: project, ids: ids, interval: interval,
				screen: terminal.Is(a.out) && (a.output == formatTable || a.output == formatWide),
			}
			err = w.watch(c.Context())
			if errors.Is(err, syscall.EPIPE) { // the reader is gone
				return exitStatus{code: exitSignal + int(syscall.SIGPIPE)}
			}
			return err
		},
	}
	c.Flags().StringVar(&project, "project", "", "`ID` of the project; the key's if not given")
	c.Flags().DurationVar(&interval, "interval", 2*time.Second, "`pause` between questions where the server has no events")
	return c
}

// A watcher shows changes of allocations.
type watcher struct {
	*app
	s        caller
	project  string
	ids      []string // nil: all of the project
	interval time.Duration
	screen   bool // overwrite the whole screen

	shown map[string]client.Allocation
	lost  bool // the server was not reached the last time
}

// watch shows every change, until ctx ends, which is no error, or no allocation
// can change any more.
func (w *watcher) watch(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	changed := make(chan struct{}, 1)
	listening := make(chan struct{})
	go func() { defer close(listening); w.s.listen(ctx, w.interval, changed) }()
	defer func() { stop(); <-listening }()
	for {
		done, err := w.look(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil || done {
			return err
		}
		var again <-chan time.Time // whatever the events say
		if w.lost {
			again = time.After(w.interval)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-changed:
		case <-again:
		}
	}
}

// listen signals changes: at the server's events, or at every interval if the
// server has no events.
func (s caller) listen(ctx context.Context, interval time.Duration, changed chan<- struct{}) {
	tell := func() {
		select {
		case changed <- struct{}{}:
		default: // already signalled
		}
	}
	events := true
	for ctx.Err() == nil {
		if events {
			err := s.Events(ctx, func(client.Event) error { tell(); return nil })
			refused, answered := errors.AsType[*client.Error](err)
			events = !answered || refused.Status != http.StatusNotFound && refused.Status != http.StatusForbidden && refused.Status != http.StatusMethodNotAllowed
		}
		// Between two streams something may have changed that neither reported.
		if sleep(ctx, interval) {
			tell()
		}
	}
}

// look gets the allocations and shows what is new. done means that no more
// changes can come.
func (w *watcher) look(ctx context.Context) (done bool, err error) {
	now, err := w.ask(ctx)
	if err != nil {
		if ctx.Err() != nil || !client.Transient(err) || w.shown == nil {
			return false, err
		}
		if !w.lost {
			w.lost = true
			w.say(err.Error() + "; trying again")
		}
		return false, nil
	}
	w.lost = false
	if err := w.show(now); err != nil {
		return false, err
	}
	w.shown = map[string]client.Allocation{}
	open := 0
	for _, al := range now {
		w.shown[al.ID] = al
		if al.State != client.Complete {
			open++
		}
	}
	return w.ids != nil && open == 0, nil
}

// ask returns the allocations to be shown, in the server's order. A named one
// must exist at first; later it may have been released. One that is missing in
// a list may have shifted from one page to another, so ask gets it by its ID.
func (w *watcher) ask(ctx context.Context) ([]client.Allocation, error) {
	var list []client.Allocation
	ids := w.ids
	if len(ids) == 0 {
		missing := maps.Clone(w.shown)
		for al, err := range w.s.List(ctx, w.project, "") {
			if err != nil {
				return nil, err
			}
			list = append(list, al)
			delete(missing, al.ID)
		}
		ids = slices.Sorted(maps.Keys(missing))
	}
	for _, id := range ids {
		al, err := w.s.Show(ctx, id)
		if refused, ok := errors.AsType[*client.Error](err); ok && refused.Status == http.StatusNotFound && w.shown != nil {
			continue
		}
		if err != nil {
			return nil, err
		}
		list = append(list, al)
	}
	return list, nil
}

// show prints what differs from what was shown.
func (w *watcher) show(now []client.Allocation) error {
	if w.screen {
		fmt.Fprint(w.out, "\x1b[H\x1b[2J") // home, and clear
		fmt.Fprintf(w.out, "%s  %d allocations\n\n", time.Now().Format(time.DateTime), len(now))
		return w.printList(now)
	}
	gone := maps.Clone(w.shown)
	for _, al := range now {
		old, known := gone[al.ID]
		delete(gone, al.ID)
		if known && w.same(old, al) {
			continue
		}
		if err := w.line(al); err != nil {
			return err
		}
	}
	for _, id := range slices.Sorted(maps.Keys(gone)) {
		if err := w.line(client.Allocation{ID: id, State: "released"}); err != nil {
			return err
		}
	}
	return nil
}

// same reports whether a line would show nothing new. Counters, which change
// often, are shown only in JSON and YAML.
func (w *watcher) same(old, al client.Allocation) bool {
	if !w.structured() {
		old.Connections, old.InUse, old.Lease, old.ActiveLease, old.Hold = al.Connections, al.InUse, al.Lease, al.ActiveLease, al.Hold
		old.Earliest, old.Deadline, old.Volume, old.MinBandwidth, old.MaxBandwidth = al.Earliest, al.Deadline, al.Volume, al.MinBandwidth, al.MaxBandwidth
		old.Include, old.Avoid, old.DisjointFrom, old.MaxHops, old.MaxLatency = al.Include, al.Avoid, al.DisjointFrom, al.MaxHops, al.MaxLatency
		old.Protection, old.Class = al.Protection, al.Class
		old.Receipt, old.ReverseBandwidth, old.Profile = al.Receipt, al.ReverseBandwidth, al.Profile
	}
	return reflect.DeepEqual(old, al)
}

// line prints one change.
func (w *watcher) line(al client.Allocation) error {
	var v any = al
	if al.State == "released" {
		v = map[string]string{"allocation_id": al.ID, "state": "released"}
	}
	switch w.output {
	case formatJSON:
		return json.NewEncoder(w.out).Encode(v) // in one line
	case formatYAML:
		if _, err := fmt.Fprintln(w.out, "---"); err != nil {
			return err
		}
		return w.printData(v)
	case formatName:
		_, err := fmt.Fprintln(w.out, terminal.Clean(al.ID))
		return err
	}
	line := fmt.Sprintf("%s  %s  %s", time.Now().Format(time.DateTime), al.ID, al.State)
	if al.State != "released" {
		if al.Degraded {
			line += ", degraded"
		}
		line += fmt.Sprintf("  %s -> %s  %s  until %s  %s", endpoint(al.SrcIP, al.SrcPort), endpoint(al.DstIP, al.DstPort), rate(al.Bandwidth), when(al.EndTime), text(al.Reason))
	}
	_, err := fmt.Fprintln(w.out, terminal.Clean(line))
	return err
}
