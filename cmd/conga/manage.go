package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"conga/cmd/internal/terminal"
	"conga/httpapi/client"
)

func (a *app) listCommand() *cobra.Command {
	var f client.Filter
	var state, after, before string
	var oldest bool
	c := &cobra.Command{
		Use: "list", Short: "List the project's allocations, the newest first", Args: cobra.NoArgs,
		Example: "  conga list --state active --address 192.127.1.10\n  conga list --user abc123 --after 2026-11-29T18:00:00Z",
		RunE: func(c *cobra.Command, _ []string) error {
			switch client.State(state) {
			case "", client.Pending, client.Active, client.Complete:
			default:
				return usagef("state %q: write pending, active or complete", state)
			}
			f.State, f.Newest = client.State(state), !oldest
			for flag, t := range map[string]struct {
				text string
				at   *int64
			}{"after": {after, &f.After}, "before": {before, &f.Before}} {
				if t.text == "" {
					continue
				}
				m, err := parseMoment(flag, t.text, time.Now())
				if err != nil {
					return err
				}
				*t.at = m.unix(time.Now())
			}
			s, err := a.connect(f.Project)
			if err != nil {
				return err
			}
			defer s.Close()
			if f.Project, err = s.projectOr(c.Context(), f.Project); err != nil {
				return err
			}
			list := []client.Allocation{}
			for al, err := range s.Search(c.Context(), f) {
				if err != nil {
					return err
				}
				list = append(list, al)
			}
			return a.printList(list)
		},
	}
	c.Flags().StringVar(&f.Project, "project", "", "`ID` of the project; the key's if not given")
	c.Flags().StringVar(&f.User, "user", "", "only those of this `user`")
	c.Flags().StringVar(&f.Series, "series", "", "only the occurrences of the series with this `ID`")
	c.Flags().StringVar(&f.Address, "address", "", "only those from or to this `address`, or one in this prefix")
	c.Flags().StringVar(&after, "after", "", "only those that end after this `time`")
	c.Flags().StringVar(&before, "before", "", "only those that start before this `time`")
	c.Flags().BoolVar(&oldest, "oldest-first", false, "list the oldest first")
	c.Flags().StringVar(&state, "state", "", "only those in this `state`: pending, active or complete")
	return c
}

func (a *app) showCommand() *cobra.Command {
	return &cobra.Command{
		Use: "show ID", Short: "Show everything known of one allocation", Args: needs("ID"),
		RunE: func(c *cobra.Command, args []string) error {
			s, err := a.connect("")
			if err != nil {
				return err
			}
			defer s.Close()
			al, err := s.Show(c.Context(), args[0])
			if err != nil {
				return err
			}
			return a.printOne(al)
		},
	}
}

func (a *app) updateCommand() *cobra.Command {
	var t traffic
	var src, dst string
	c := &cobra.Command{
		Use:   "update ID",
		Short: "Change an allocation, also while it is active",
		Long: `update changes what its flags name and leaves the rest as it is. A change that is
refused changes nothing.`,
		Example: "  conga update ID --duration 4h --bandwidth 100M",
		Args:    needs("ID"),
		RunE: func(c *cobra.Command, args []string) error {
			change, err := t.change(c.Flags().Changed, src, dst)
			if err != nil {
				return err
			}
			s, err := a.connect("")
			if err != nil {
				return err
			}
			defer s.Close()
			al, err := s.Update(c.Context(), args[0], change)
			if err != nil {
				return err
			}
			return a.printOne(al)
		},
	}
	t.flags(c)
	for _, name := range []string{"include", "avoid", "disjoint-from", "max-latency"} {
		c.Flags().Lookup(name).Usage += "; none takes it back"
	}
	t.holdFlag(c)
	c.Flags().StringVar(&src, "src", "", "source `address` or prefix")
	c.Flags().StringVar(&dst, "dst", "", "destination `address` or prefix")
	return c
}

// change returns the change that the given flags describe.
func (t *traffic) change(given func(flag string) bool, src, dst string) (client.Change, error) {
	var ch client.Change
	if given("project") {
		ch.ProjectID = &t.project
	}
	err := errors.Join(
		set(given("src"), &ch.SrcIP, src, func(s string) (string, error) { return parseSide("source", s) }),
		set(given("dst"), &ch.DstIP, dst, func(s string) (string, error) { return parseSide("destination", s) }),
		set(given("src-port"), &ch.SrcPort, t.srcPort, func(s string) (client.Ports, error) { return parsePorts("src-port", s) }),
		set(given("dst-port"), &ch.DstPort, t.dstPort, func(s string) (client.Ports, error) { return parsePorts("dst-port", s) }),
		set(given("duration"), &ch.Duration, t.duration, parseDuration),
		set(given("bandwidth"), &ch.Bandwidth, t.bandwidth, func(s string) (uint64, error) { return parseNewBandwidth(s, t.yes) }),
		set(given("min"), &ch.MinBandwidth, t.least, func(s string) (uint64, error) { return parseNewBandwidth(s, t.yes) }),
		set(given("max"), &ch.MaxBandwidth, t.most, func(s string) (uint64, error) { return parseNewBandwidth(s, t.yes) }),
		set(given("volume"), &ch.Volume, t.volume, parseNewVolume),
		set(given("protocol"), &ch.Protocol, t.protocol, parseProtocol),
		t.constraints.change(given, &ch),
	)
	err = errors.Join(err, t.changeTakenBack(given, &ch))
	for flag, m := range t.moments() {
		if !given(flag) {
			continue
		}
		at, in := m.change(&ch)
		if strings.EqualFold(*m.text, "none") {
			*at = new(int64)
			continue
		}
		got, failed := parseMoment(flag, *m.text, time.Now())
		if err = errors.Join(err, failed); got.in != nil {
			*in = got.in
		} else {
			*at = &got.at
		}
	}
	if err == nil && ch == (client.Change{}) {
		return ch, usagef("update needs a flag that says what to change")
	}
	return ch, err
}

// changeTakenBack puts into a change what is taken back with none.
func (t *traffic) changeTakenBack(given func(flag string) bool, ch *client.Change) (err error) {
	if given("hold") && strings.EqualFold(t.hold, "none") {
		ch.Hold = new(int64)
	} else {
		err = set(given("hold"), &ch.Hold, t.hold, parseDuration)
	}
	if ch.SameBothWays = given("reverse") && strings.EqualFold(t.reverse, "none"); ch.SameBothWays {
		return err
	}
	return errors.Join(err, set(given("reverse"), &ch.ReverseBandwidth, t.reverse, func(s string) (uint64, error) { return parseReverse(s, t.yes) }))
}

// set parses the text of a flag that was given.
func set[T any](given bool, field **T, text string, parse func(string) (T, error)) error {
	if !given {
		return nil
	}
	v, err := parse(text)
	*field = &v
	return err
}

func (a *app) releaseCommand() *cobra.Command {
	var series string
	c := &cobra.Command{
		Use: "release ID... | --series ID", Short: "Give up allocations and their priority paths",
		Long: "release removes each allocation named. Where one cannot be removed, the others are all the same.\n" +
			"With --series it removes all of a series that is not complete, or none of it.",
		Args: func(c *cobra.Command, ids []string) error {
			if series == "" {
				return needsSome("ID")(c, ids)
			}
			return cobra.NoArgs(c, ids)
		},
		RunE: func(c *cobra.Command, ids []string) error {
			if series != "" {
				return a.releaseSeries(c.Context(), series)
			}
			return a.release(c.Context(), ids)
		},
	}
	c.Flags().StringVar(&series, "series", "", "`ID` of a series, all of which is released")
	return c
}

// release releases allocations, each by itself.
func (a *app) release(ctx context.Context, ids []string) error {
	s, err := a.connect("")
	if err != nil {
		return err
	}
	defer s.Close()
	type released struct {
		ID string `json:"allocation_id"`
	}
	done := []released{}
	var failed []error
	for _, id := range ids {
		if err := s.Release(ctx, id); err != nil {
			failed = append(failed, fmt.Errorf("%s: %w", id, err))
			continue
		}
		done = append(done, released{id})
		if !a.structured() {
			fmt.Fprintf(a.err, "allocation %s is released\n", terminal.Clean(id))
		}
	}
	if a.structured() {
		failed = append(failed, a.printData(done))
	}
	return errors.Join(failed...)
}
