package stats

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"time"

	"conga/bitrate"
)

const (
	// rateBuckets is how many buckets a rateCount has at most.
	rateBuckets = 64
	// finestScale is the scale at which a rateCount begins: 32 buckets from a
	// rate to its double, so that what is read is within 1.1 % of what was put
	// in.
	finestScale = 5
	// silent is the bucket of no traffic at all.
	silent = math.MinInt16
	// rateTick is the unit of the time that a bucket counts.
	rateTick = 100 * time.Millisecond
)

// A rateCount counts for how long traffic had which rate, in buckets that are
// spaced evenly on a logarithmic scale. Only those that were met are kept. When
// they become too many each two of them are made one, so that memory is
// bounded: rates that spread over six doublings are read to within 4.5 %, over
// 32 to within 19 %. The zero value counts nothing yet.
type rateCount struct {
	coarser int8         // by how many steps than finestScale
	buckets []rateBucket // in the order of their rates
}

// A rateBucket is the time that traffic had a rate of about 2^(index/2^scale)
// bit/s.
type rateBucket struct {
	index int16
	ticks uint32
}

func (c *rateCount) scale() int { return finestScale - int(c.coarser) }

// add counts that traffic had a rate for some time.
func (c *rateCount) add(r bitrate.Rate, d time.Duration) {
	ticks := uint32(min(max(1, d/rateTick), math.MaxInt32))
	index := int16(silent)
	if r > 0 {
		index = int16(math.Floor(math.Ldexp(math.Log2(float64(r)), c.scale())))
	}
	i, found := slices.BinarySearchFunc(c.buckets, index, func(b rateBucket, index int16) int { return cmp.Compare(b.index, index) })
	if !found {
		c.buckets = slices.Insert(c.buckets, i, rateBucket{index: index})
	}
	c.buckets[i].ticks += min(ticks, math.MaxUint32-c.buckets[i].ticks)
	for len(c.buckets) > rateBuckets {
		c.coarsen()
	}
}

// coarsen makes each two buckets one.
func (c *rateCount) coarsen() {
	c.coarser++
	kept := c.buckets[:0]
	for _, b := range c.buckets {
		if b.index != silent {
			b.index >>= 1
		}
		if n := len(kept); n > 0 && kept[n-1].index == b.index {
			kept[n-1].ticks += min(b.ticks, math.MaxUint32-kept[n-1].ticks)
			continue
		}
		kept = append(kept, b)
	}
	c.buckets = kept
}

// quantile returns the rate that traffic had at most for a share of the time;
// ok is false if nothing was counted.
func (c *rateCount) quantile(share float64) (r bitrate.Rate, ok bool) {
	var all, sum uint64
	for _, b := range c.buckets {
		all += uint64(b.ticks)
	}
	for _, b := range c.buckets {
		if sum += uint64(b.ticks); float64(sum) < share*float64(all) {
			continue
		}
		if b.index == silent {
			return 0, true
		}
		return bitrate.Rate(math.Exp2(math.Ldexp(float64(b.index)+.5, -c.scale())) + .5), true
	}
	return 0, false
}

// clone returns a copy that shares nothing with c.
func (c *rateCount) clone() rateCount { return rateCount{c.coarser, slices.Clone(c.buckets)} }

// MarshalJSON returns by how many steps the scale is coarser than the finest,
// and then the buckets.
func (c rateCount) MarshalJSON() ([]byte, error) {
	out := make([]int64, 1, 1+2*len(c.buckets))
	out[0] = int64(c.coarser)
	for _, b := range c.buckets {
		out = append(out, int64(b.index), int64(b.ticks))
	}
	return json.Marshal(out)
}

// UnmarshalJSON reads what MarshalJSON has written.
func (c *rateCount) UnmarshalJSON(text []byte) error {
	var in []int64
	if err := json.Unmarshal(text, &in); err != nil {
		return err
	}
	*c = rateCount{}
	if len(in)%2 == 0 || len(in) > 1+2*rateBuckets || in[0] < 0 || in[0] > 2*finestScale {
		return fmt.Errorf("%d numbers are no count of rates", len(in))
	}
	c.coarser = int8(in[0])
	last := int64(silent) - 1
	for i := 1; i < len(in); i += 2 {
		index, ticks := in[i], in[i+1]
		if index <= last || index > math.MaxInt16 || ticks < 0 || ticks > math.MaxUint32 {
			return fmt.Errorf("%d is no rate, or %d no time, of a count of rates", index, ticks)
		}
		c.buckets, last = append(c.buckets, rateBucket{int16(index), uint32(ticks)}), index
	}
	return nil
}
