package main

import (
	"fmt"
	"strings"
	"time"

	"conga/httpapi/client"
)

// printReceipt prints what there was of an allocation that is complete.
func (a *app) printReceipt(r client.Receipt) error {
	state := "final"
	if !r.Final {
		state = "not final yet"
	}
	fmt.Fprintln(a.out)
	err := printTable(a.out, [][]string{
		{"Receipt", state},
		{"Asked", asked(r.Asked)},
		{"Planned", window(r.Planned)},
		{"Had", window(r.Had)},
		{"Moves", fmt.Sprint(r.Moves)},
	})
	if err != nil {
		return err
	}
	var moves, spells [][]string
	for _, m := range r.Moved {
		moves = append(moves, []string{"  " + when(&m.Time), text(m.Reason)})
	}
	for _, s := range r.Degraded {
		spells = append(spells, []string{"  " + window(&s.Window), s.Reason})
	}
	degraded := [][]string{{"Degraded", short(time.Duration(r.DegradedSeconds) * time.Second)}}
	for _, rows := range [][][]string{moves, degraded, spells} {
		if err := printTable(a.out, rows); err != nil {
			return err
		}
	}
	fmt.Fprintln(a.out)
	rows := [][]string{{"DIRECTION", "ENTERED", "DELIVERED", "DROPPED", "PACKETS", "MEAN RATE", "P5", "P50"}}
	for _, d := range []struct {
		name string
		client.Delivered
	}{{"forward", r.Forward}, {"reverse", r.Reverse}} {
		rows = append(rows, []string{
			d.name, amount(d.Entered.Bytes), amount(d.Delivered.Delivered.Bytes), amount(d.Dropped.Bytes),
			count(d.Delivered.Delivered.Packets), zeroRate(d.Mean), zeroRate(d.P5), zeroRate(d.P50),
		})
	}
	return printTable(a.out, rows)
}

// asked returns what was asked for as text.
func asked(a client.Asked) string {
	var words []string
	if a.Volume != nil {
		words = append(words, bytesOf(*a.Volume))
	}
	switch {
	case a.StartTime != nil:
		words = append(words, when(a.StartTime))
	case a.Earliest != nil:
		words = append(words, "from "+when(a.Earliest)+" on")
	default:
		words = append(words, "as early as it fits")
	}
	if a.Deadline != nil {
		words = append(words, "by "+when(a.Deadline))
	}
	return strings.Join(append(words, "for "+short(time.Duration(a.Duration)*time.Second)), ", ")
}

// window returns the time between two moments as text, or a dash.
func window(w *client.Window) string {
	if w == nil {
		return "-"
	}
	return when(&w.StartTime) + " to " + when(&w.EndTime)
}

// count returns a number as text, or a dash.
func count(n *uint64) string {
	if n == nil {
		return "-"
	}
	return fmt.Sprint(*n)
}
