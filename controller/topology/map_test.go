package topology

import (
	"maps"
	"testing"

	"pgregory.net/rapid"
)

// Whatever is put in and taken out, a Map holds what a map of the language
// holds, and earlier ones still hold what they held.
func TestMapIsAMap(t *testing.T) {
	type kept struct {
		m    Map[int, int]
		want map[int]int
	}
	rapid.Check(t, func(t *rapid.T) {
		m, want := Map[int, int]{}, map[int]int{}
		var old []kept
		keys := rapid.IntRange(0, rapid.SampledFrom([]int{3, 40, 2000}).Draw(t, "keys"))
		for range rapid.IntRange(0, 300).Draw(t, "steps") {
			if k := keys.Draw(t, "key"); rapid.IntRange(0, 2).Draw(t, "out") > 0 {
				m, want[k] = m.With(k, len(old)), len(old)
			} else {
				m = m.Without(k)
				delete(want, k)
			}
			old = append(old, kept{m, maps.Clone(want)})
		}
		for _, o := range old {
			if got := maps.Collect(o.m.All()); o.m.Len() != len(o.want) || !maps.Equal(got, o.want) {
				t.Fatalf("map of %d holds %v; want %v", o.m.Len(), got, o.want)
			}
		}
		for k := range 50 {
			v, ok := m.Get(k)
			if w, has := want[k]; v != w || ok != has {
				t.Fatalf("at %d is %v, %v; want %v, %v", k, v, ok, w, has)
			}
		}
		if !maps.Equal(maps.Collect(MapOf(want).All()), want) {
			t.Fatal("MapOf lost something")
		}
	})
}
