package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"conga/cmd/internal/terminal"
	"conga/httpapi/client"
)

// A traffic holds the flags that allocate and update share, as they were
// written.
type traffic struct {
	duration, bandwidth, protocol, project string
	start, earliest, deadline              string
	volume, least, most, reverse, hold     string
	class, user                            string
	constraints
	srcPort, dstPort string
	yes              bool
}

func (t *traffic) flags(c *cobra.Command) {
	f := c.Flags()
	f.StringVar(&t.duration, "duration", "", "how long the path is needed: `2h`, 1d12h, or seconds")
	f.StringVar(&t.bandwidth, "bandwidth", "", "bit/s that the path is to have: `40M`, 2.5G; without it, priority without a guarantee")
	f.StringVar(&t.reverse, "reverse", "", "bit/s that the way back is to have: `5M`, or 0 for none; without it, as much as --bandwidth")
	f.StringVar(&t.srcPort, "src-port", "", "source `ports`: 443, 5000-5099, 5001,5003,5010-5019; 0 is any, as without it")
	f.StringVar(&t.dstPort, "dst-port", "", "destination `ports`, as --src-port")
	f.StringVar(&t.protocol, "protocol", "", "`protocol`: tcp, udp or any")
	f.StringVar(&t.start, "start", "", "when to begin: now, `+2h`, 2026-01-02T15:04, Fri 06:00 or UNIX seconds; without it, as early as it fits")
	f.StringVar(&t.earliest, "earliest", "", "begin at this `time` or later, as early as it fits; not with --start")
	f.StringVar(&t.deadline, "by", "", "end by this `time`; not with --start")
	f.StringVar(&t.volume, "volume", "", "how many `bytes` are to be carried: 40T, 500G; instead of --duration, at --bandwidth, or at a rate that is picked and may change in steps")
	f.StringVar(&t.least, "min", "", "with --volume or --class scavenger: the least `rate` to pick")
	f.StringVar(&t.most, "max", "", "with --volume or --class scavenger: the highest `rate` to pick")
	t.constraints.flags(c)
	f.BoolVar(&t.yes, "yes", false, "send a small bandwidth without a unit as it is, in bit/s")
	f.StringVar(&t.project, "project", "", "`ID` of the project; the key's if not given")
}

// scavenger is the class of what takes what is spare.
const scavenger = "scavenger"

// classFlag adds the flag for the class, which cannot be changed.
func (t *traffic) classFlag(c *cobra.Command) {
	c.Flags().StringVar(&t.class, "class", "", "`normal`, or scavenger: take what others leave, from --min to --max, and give way to them")
}

// userFlag adds the flag for whose the allocation is, which stays.
func (t *traffic) userFlag(c *cobra.Command) {
	c.Flags().StringVar(&t.user, "user", "", "`ID` of the member of the project whose allocation it is; for its managers and the admin")
}

// holdFlag adds the flag for what is asked for in two steps.
func (t *traffic) holdFlag(c *cobra.Command) {
	c.Flags().StringVar(&t.hold, "hold", "", "reserve the path for this `time` and do not install it until conga update ID --hold none: 5m")
}

func (a *app) allocateCommand() *cobra.Command {
	var t traffic
	var again recurrence
	var wait, validate bool
	var timeout time.Duration
	c := &cobra.Command{
		Use:   "allocate SRC DST (--duration TIME | --volume BYTES)",
		Short: "Ask for a priority path between two hosts",
		Example: `  conga allocate 192.127.1.10 192.127.1.11 --duration 2h --bandwidth 40M
  conga allocate 192.127.1.10 192.127.1.11 --duration 2h --bandwidth 40M --reverse 2M
  conga allocate 2001:db8::1 2001:db8::2 --duration 30m --protocol tcp --dst-port 443 --start +1h
  conga allocate 192.127.1.10 192.127.1.11 --duration 2h --bandwidth 2G --protocol tcp --dst-port 2811,50000-51000
  conga allocate 10.1.0.0/24 192.127.1.11 --duration 2h --bandwidth 2G
  conga allocate 192.127.1.10 192.127.1.11 --duration 2h --bandwidth 40M --earliest 20:00 --by 'Fri 06:00'
  conga allocate 192.127.1.10 192.127.1.11 --volume 40T --by 'Fri 06:00' --max 10G
  conga allocate 192.127.1.10 192.127.1.11 --duration 2h --bandwidth 40M --start 'Mon 20:00' --recurrence 'FREQ=WEEKLY;BYDAY=MO,WE;COUNT=10'
  conga allocate 192.127.1.10 192.127.1.11 --duration 2d --class scavenger --max 5G
  id=$(conga allocate 192.127.1.10 192.127.1.11 --duration 10m --wait -o id)`,
		Args: needs("SRC", "DST"),
		RunE: func(c *cobra.Command, args []string) error {
			if c.Flags().Changed("timeout") && !wait {
				return usagef("--timeout says how long to wait; give --wait with it")
			}
			if t.hold != "" && wait {
				return usagef("what is held is not active before it is committed, with conga update ID --hold none; leave --wait out")
			}
			if validate && wait {
				return usagef("--validate makes nothing that could be waited for; leave --wait out")
			}
			r, err := t.request(args[0], args[1])
			if err != nil {
				return err
			}
			if again != (recurrence{}) {
				return a.series(c.Context(), again, r, wait, validate)
			}
			if validate {
				return a.validate(c.Context(), r)
			}
			return a.allocate(c.Context(), r, wait, timeout)
		},
	}
	t.flags(c)
	c.Flags().BoolVar(&validate, "validate", false, "only check the request, and show what it would be given")
	t.holdFlag(c)
	t.classFlag(c)
	t.userFlag(c)
	again.flags(c)
	c.Flags().BoolVar(&wait, "wait", false, "return when the path is active")
	c.Flags().DurationVar(&timeout, "timeout", 2*time.Minute, "how long to `wait`, from the --start if there is one; 0 is without end")
	return c
}

// request returns the request that the flags describe.
func (t *traffic) request(src, dst string) (r client.Request, err error) {
	if (t.duration == "") == (t.volume == "") {
		return r, usagef("allocate needs --duration, such as --duration 2h, or --volume, such as --volume 40T")
	}
	return t.described(src, dst)
}

// described returns the request that the flags describe, in which a duration
// may be missing.
func (t *traffic) described(src, dst string) (r client.Request, err error) {
	if r, err = t.between(src, dst); err != nil {
		return r, err
	}
	if t.duration != "" {
		if r.Duration, err = parseDuration(t.duration); err != nil {
			return r, err
		}
	}
	if err := t.amounts(&r); err != nil {
		return r, err
	}
	if err := t.constrain(&r); err != nil {
		return r, err
	}
	now := time.Now()
	for flag, m := range t.moments() {
		if *m.text == "" {
			continue
		}
		got, err := parseMoment(flag, *m.text, now)
		if err != nil {
			return r, err
		}
		*m.at(&r), *m.in(&r) = got.at, got.in
	}
	return r, nil
}

// between returns a request of which only the traffic is said.
func (t *traffic) between(src, dst string) (r client.Request, err error) {
	r.ProjectID, r.UserID = t.project, t.user
	if r.SrcPort, err = parsePorts("src-port", t.srcPort); err != nil {
		return r, err
	}
	if r.DstPort, err = parsePorts("dst-port", t.dstPort); err != nil {
		return r, err
	}
	if r.SrcIP, err = parseSide("source", src); err != nil {
		return r, err
	}
	if r.DstIP, err = parseSide("destination", dst); err != nil {
		return r, err
	}
	if t.protocol != "" {
		r.Protocol, err = parseProtocol(t.protocol)
	}
	return r, err
}

// amounts puts the rates, the volume and the hold of the flags into a request.
func (t *traffic) amounts(r *client.Request) (err error) {
	r.Class = t.class
	if t.hold != "" {
		if r.Hold, err = parseDuration(t.hold); err != nil {
			return err
		}
	}
	if t.volume != "" {
		if r.Volume, err = parseVolume(t.volume); err != nil {
			return err
		}
	}
	for _, x := range []struct {
		text string
		rate *uint64
	}{{t.bandwidth, &r.Bandwidth}, {t.least, &r.MinBandwidth}, {t.most, &r.MaxBandwidth}} {
		if x.text == "" {
			continue
		}
		if *x.rate, err = parseBandwidth(x.text, t.yes); err != nil {
			return err
		}
	}
	if t.reverse != "" {
		back, err := parseReverse(t.reverse, t.yes)
		if err != nil {
			return err
		}
		r.ReverseBandwidth = &back
	}
	return nil
}

// momentFlag is a flag that says a time, and where it goes.
type momentFlag struct {
	text   *string
	at     func(*client.Request) *int64
	in     func(*client.Request) **int64
	change func(*client.Change) (at, in **int64)
}

func (t *traffic) moments() map[string]momentFlag {
	return map[string]momentFlag{
		"start": {&t.start, func(r *client.Request) *int64 { return &r.StartTime }, func(r *client.Request) **int64 { return &r.StartIn },
			func(c *client.Change) (at, in **int64) { return &c.StartTime, &c.StartIn }},
		"earliest": {&t.earliest, func(r *client.Request) *int64 { return &r.Earliest }, func(r *client.Request) **int64 { return &r.EarliestIn },
			func(c *client.Change) (at, in **int64) { return &c.Earliest, &c.EarliestIn }},
		"by": {&t.deadline, func(r *client.Request) *int64 { return &r.Deadline }, func(r *client.Request) **int64 { return &r.DeadlineIn },
			func(c *client.Change) (at, in **int64) { return &c.Deadline, &c.DeadlineIn }},
	}
}

// connectFor returns a caller for a request, which it gives the key's project
// if it names none.
func (a *app) connectFor(ctx context.Context, r *client.Request) (caller, error) {
	s, err := a.connect(r.ProjectID)
	if err != nil {
		return s, err
	}
	if r.ProjectID, err = s.projectOr(ctx, r.ProjectID); err != nil {
		s.Close()
	}
	return s, err
}

// validate shows what a request would be given.
func (a *app) validate(ctx context.Context, r client.Request) error {
	if a.output == formatName {
		return usagef("--output name: what is only validated has no ID; write table, json or yaml")
	}
	s, err := a.connectFor(ctx, &r)
	if err != nil {
		return err
	}
	defer s.Close()
	al, err := s.Validate(ctx, r)
	if err != nil {
		return explainProject(err, r.ProjectID)
	}
	return a.printOne(al)
}

func (a *app) allocate(ctx context.Context, r client.Request, wait bool, timeout time.Duration) error {
	s, err := a.connectFor(ctx, &r)
	if err != nil {
		return err
	}
	defer s.Close()
	made, err := s.Allocate(ctx, r)
	if err != nil {
		return explainProject(err, r.ProjectID)
	}
	if wait {
		err = a.wait(ctx, s, made.ID, fromStart(timeout, r, time.Now()), nil)
	}
	// However the waiting ended, the allocation exists, and its ID must not be
	// lost.
	al, failed := s.Show(context.WithoutCancel(ctx), made.ID)
	if failed != nil {
		fmt.Fprintf(a.err, "allocation %s is accepted\n", terminal.Clean(made.ID))
		return errors.Join(err, failed)
	}
	return errors.Join(err, a.printOne(al))
}

// fromStart returns how long to wait if timeout counts from the start that was
// asked for, when that is still to come. 0 means without end.
func fromStart(timeout time.Duration, r client.Request, now time.Time) time.Duration {
	var later time.Duration
	switch {
	case r.StartIn != nil:
		later = time.Duration(*r.StartIn) * time.Second
	case r.EarliestIn != nil:
		later = time.Duration(*r.EarliestIn) * time.Second
	case max(r.StartTime, r.Earliest) > 0: // there is one of them at most
		later = time.Unix(max(r.StartTime, r.Earliest), 0).Sub(now)
	}
	if timeout > 0 {
		timeout += max(0, later)
	}
	return timeout
}

// wait shows the allocation's progress until it is active. seen, if not nil, is
// called with it whenever it has changed.
func (a *app) wait(ctx context.Context, s caller, id string, timeout time.Duration, seen func(client.Allocation)) error {
	if timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, timeout, errTimeUp)
		defer cancel()
	}
	p := newProgress(a.err)
	defer p.end()
	_, err := s.Wait(ctx, id, client.Active, func(al client.Allocation) {
		p.show(al)
		if seen != nil {
			seen(al)
		}
	})
	if errors.Is(err, errTimeUp) {
		return explained{fmt.Sprintf("allocation %s is not active after %v; it stays, and conga show %s tells how it gets on", id, short(timeout.Round(100*time.Millisecond)), id), err}
	}
	return err
}
