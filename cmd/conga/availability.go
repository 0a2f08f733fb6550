package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"conga/bitrate"
	"conga/httpapi/client"
)

func (a *app) availabilityCommand() *cobra.Command {
	var t traffic
	var horizon string
	c := a.query(&cobra.Command{
		Use:   "availability SRC DST",
		Short: "Show whether and when a path fits, and what is free between two hosts",
		Long: "availability shows whether, when and on which path a request would be carried out, what\n" +
			"could be asked for instead, and what is free between the two hosts from the --start on.\nNothing is reserved.",
		Example: `  conga availability 192.127.1.10 192.127.1.11
  conga availability 192.127.1.10 192.127.1.11 --bandwidth 5G --duration 2h --horizon 7d`,
		Args: needs("SRC", "DST"),
	}, func(ctx context.Context, s caller, args []string) error {
		r, err := t.described(args[0], args[1])
		if err != nil {
			return err
		}
		var seconds int64
		if horizon != "" {
			if seconds, err = parseDuration(horizon); err != nil {
				return err
			}
		}
		got, err := s.Availability(ctx, r, seconds)
		if err != nil {
			return err
		}
		return a.printAvailability(r, got)
	})
	t.flags(c)
	c.Flags().StringVar(&horizon, "horizon", "", "how far to look ahead: `7d`, 12h, or seconds; 30d without it")
	return c
}

func (a *app) printAvailability(r client.Request, got client.Availability) error {
	if a.structured() {
		return a.printData(got)
	}
	rows := [][]string{
		{"Source", endpoint(r.SrcIP, &r.SrcPort)}, {"Destination", endpoint(r.DstIP, &r.DstPort)}, {"Fits", yesNo(got.Fits)}, {"Reason", text(got.Reason)},
		{"Start", when(got.StartTime)}, {"End", when(got.EndTime)}, {"Path", firstOf(hops(got.Path), "-")},
	}
	if err := printTable(a.out, rows); err != nil {
		return err
	}
	if len(got.Alternatives) > 0 {
		fmt.Fprintf(a.out, "\n%s\n", strings.Join(alternatives(got.Alternatives), "\n"))
	}
	if len(got.Free) == 0 {
		return nil
	}
	fmt.Fprintln(a.out)
	rows = [][]string{{"FROM", "TO", "FREE"}}
	for _, step := range got.Free {
		rows = append(rows, []string{when(&step.StartTime), when(&step.EndTime), bits(step.Bandwidth)})
	}
	if err := printTable(a.out, rows); err != nil {
		return err
	}
	if got.FreeUntil < got.Horizon.EndTime {
		fmt.Fprintf(a.out, "\nIt changes too often to be shown any further; for the rest: --start %d\n", got.FreeUntil)
	}
	return nil
}

// alternatives returns what the server would admit, as commands to be run, a
// line each.
func alternatives(list []client.Request) (lines []string) {
	if len(list) > 0 {
		lines = append(lines, "this would be admitted now:")
	}
	for _, r := range list {
		lines = append(lines, "  "+commandFor(r))
	}
	return lines
}

// commandFor returns the command that makes a request.
func commandFor(r client.Request) string {
	words := []string{"conga allocate", r.SrcIP, r.DstIP}
	add := func(flag, value string, given bool) {
		if given {
			words = append(words, flag, quoted(value))
		}
	}
	add("--duration", fmt.Sprint(r.Duration), r.Duration > 0)
	if r.ReverseBandwidth != nil {
		add("--reverse", bitrate.Rate(*r.ReverseBandwidth).String(), true)
	}
	add("--volume", bitrate.Rate(r.Volume).String(), r.Volume > 0)
	small := false
	for _, x := range []struct {
		flag string
		rate uint64
	}{{"--bandwidth", r.Bandwidth}, {"--min", r.MinBandwidth}, {"--max", r.MaxBandwidth}} {
		add(x.flag, bitrate.Rate(x.rate).String(), x.rate > 0)
		small = small || x.rate > 0 && x.rate < leastBare
	}
	if small {
		words = append(words, "--yes")
	}
	add("--protocol", r.Protocol, r.Protocol != "" && r.Protocol != "any")
	add("--src-port", string(r.SrcPort), r.SrcPort != "")
	add("--dst-port", string(r.DstPort), r.DstPort != "")
	add("--start", fmt.Sprint(r.StartTime), r.StartTime > 0)
	addSeries(r.Recurrence, add)
	add("--earliest", fmt.Sprint(r.Earliest), r.Earliest > 0)
	add("--by", fmt.Sprint(r.Deadline), r.Deadline > 0)
	add("--include", strings.Join(r.Include, ","), len(r.Include) > 0)
	add("--avoid", strings.Join(r.Avoid, ","), len(r.Avoid) > 0)
	add("--disjoint-from", r.DisjointFrom, r.DisjointFrom != "")
	add("--max-hops", fmt.Sprint(r.MaxHops), r.MaxHops > 0)
	add("--max-latency", latency(r.MaxLatency), r.MaxLatency > 0)
	add("--class", r.Class, r.Class != "" && r.Class != "normal")
	add("--hold", fmt.Sprint(r.Hold), r.Hold > 0)
	if r.Protection == "path" {
		words = append(words, "--protect")
	}
	add("--project", r.ProjectID, r.ProjectID != "")
	return strings.Join(words, " ")
}

// quoted returns a word as a shell reads it.
func quoted(word string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_.:@%+,", r)
	}
	if strings.TrimFunc(word, plain) == "" {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
