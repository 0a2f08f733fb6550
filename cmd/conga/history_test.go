package main

import (
	"math"
	"slices"
	"strings"
	"testing"

	"conga/httpapi/client"
)

func TestThin(t *testing.T) {
	values := func(list ...float64) (out []*float64) {
		for _, v := range list {
			if v < 0 {
				out = append(out, nil)
				continue
			}
			out = append(out, &v)
		}
		return out
	}
	for _, c := range []struct {
		in   []*float64
		most int
		want []float64 // -1: a gap
	}{
		{values(), 3, []float64{}},
		{values(1, 2), 3, []float64{1, 2}},
		{values(1, 2, 3, 5), 2, []float64{1.5, 4}},
		{values(-1, -1, 3, -1, -1), 2, []float64{-1, 3}},
		{values(0, -1, -1), 3, []float64{0, -1, -1}},
	} {
		got := thin(c.in, c.most)
		for i, v := range got {
			if math.IsNaN(v) {
				got[i] = -1
			}
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("got %v, want %v", got, c.want)
		}
	}
}

// TestPlot draws a stream with a gap: the gap stays empty, and each line says
// what it is.
func TestPlot(t *testing.T) {
	h := client.AllocationHistory{Step: 60}
	d := client.DirectionHistory{}
	for i := range 200 {
		var v *float64
		if i < 80 || i >= 120 {
			v = new(4e7)
		}
		h.Times = append(h.Times, 1893456000+60*int64(i))
		d.Delivered.Mean, d.Promised.Mean = append(d.Delivered.Mean, v), append(d.Promised.Mean, nil)
	}
	got := plot("from the source", h, d)
	top, _, _ := strings.Cut(got, "\n")
	if !strings.HasPrefix(strings.TrimSpace(top), "40 Mbit/s") || !strings.Contains(top, "╴     ") || !strings.HasSuffix(top, "──") {
		t.Errorf("the first line is %q", top)
	}
	for _, want := range []string{"0 bit/s", "36.7 Mbit/s", "delivered, from the source, 2030-01-01 00:00:00 to 2030-01-01 03:20:00 UTC"} {
		if !strings.Contains(got, want) {
			t.Errorf("the plot has no %q:\n%s", want, got)
		}
	}
	if strings.Contains(got, "promised") {
		t.Errorf("a line of which nothing is known is in the plot:\n%s", got)
	}
	if got := plot("back", h, client.DirectionHistory{}); got != "" {
		t.Errorf("of nothing there is a plot:\n%s", got)
	}
	t.Log("\n" + got)
}
