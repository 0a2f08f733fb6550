package stats

import (
	"encoding/json"
	"math"
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"conga/bitrate"
)

// Any rates: quantiles are near the exact ones, memory is bounded, and what is
// saved is read again.
func TestRateCount(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		doublings := rapid.Float64Range(0, 30).Draw(t, "doublings")
		rates := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) float64 {
			if rapid.IntRange(0, 9).Draw(t, "silent") == 0 {
				return 0
			}
			return math.Exp2(10 + rapid.Float64Range(0, doublings).Draw(t, "rate"))
		}), 1, 500).Draw(t, "rates")
		var c rateCount
		for _, r := range rates {
			c.add(bitrate.Rate(r), 5*time.Second)
		}
		if len(c.buckets) > rateBuckets {
			t.Fatalf("%d buckets", len(c.buckets))
		}
		text, err := json.Marshal(c)
		var again rateCount
		if err != nil || json.Unmarshal(text, &again) != nil || !reflect.DeepEqual(c, again) {
			t.Fatalf("%s is read as %+v, error %v", text, again, err)
		}
		slices.Sort(rates)
		off := math.Exp2(.5/math.Exp2(float64(c.scale()))) * 1.001
		for _, share := range []float64{.05, .5, 1} {
			want := rates[int(math.Ceil(share*float64(len(rates))))-1]
			got, ok := c.quantile(share)
			if g := float64(got); !ok || g > want*off+1 || g < want/off-1 {
				t.Errorf("quantile %v of %v is %v, want %v", share, rates, got, want)
			}
		}
		if least := 1 - int(math.Log2(max(1, doublings+1)/2)); doublings < 1 && c.scale() < least {
			t.Errorf("scale %d over %.1f doublings", c.scale(), doublings)
		}
	})
}

// What traffic had for longer weighs more, and nothing overflows.
func TestRateCountIsOverTime(t *testing.T) {
	var c rateCount
	if _, ok := c.quantile(.5); ok {
		t.Error("there is a median of nothing")
	}
	c.add(1e6, time.Minute)
	for range 10 {
		c.add(1e9, 5*time.Second)
	}
	if r, _ := c.quantile(.5); r > 1.1e6 {
		t.Errorf("the median is %v", r)
	}
	for range 3 {
		c.add(1e12, math.MaxInt64)
	}
	if r, _ := c.quantile(.6); r < .9e12 {
		t.Errorf("the median is %v", r)
	}
	for _, damaged := range []string{"", "[]", "[0,1]", "[-1]", "[11]", "[0,5,1,5,1]", "[0,5,-1]", "[0,40000,1]", "[0,-40000,1]", `{}`} {
		if json.Unmarshal([]byte(damaged), &rateCount{}) == nil {
			t.Errorf("%s was read", damaged)
		}
	}
}
