package main

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"conga/cmd/internal/figures"
)

const output = `goos: linux
pkg: conga/openflow
BenchmarkFast-2   	1000000	        50.0 ns/op	       0 B/op	       0 allocs/op
BenchmarkFast-2   	1000000	        900 ns/op	       0 B/op	       0 allocs/op
BenchmarkFast-2   	1000000	        60.0 ns/op	       0 B/op	       1 allocs/op
PASS
ok  	conga/openflow	1.2s
pkg: conga/store
BenchmarkCommit/writers=1/conga-2 	100	 1000 ns/op	 4000 commits/s
BenchmarkCommit/writers=1/bbolt-2 	100	 1000 ns/op	 5000 commits/s
--- FAIL: BenchmarkBroken
FAIL
`

func TestReport(t *testing.T) {
	bounds, err := figures.ParseBounds(`
# comment
openflow.Fast ns/op <= 75
openflow.Fast allocs/op <= 0
store.Commit/writers=1/conga commits/s >= 1 x store.Commit/writers=1/bbolt
store.Commit/writers=1/conga ns/op >= 0.5 x store.Absent
store.Absent ns/op <= 5
`)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	err = report(strings.NewReader(output), &out, bounds)
	if err == nil || !strings.Contains(err.Error(), "--- FAIL: BenchmarkBroken") {
		t.Errorf("a failure is kept quiet: %v", err)
	}
	want := `openflow.Fast                 60    ns/op      <= 75                  holds
openflow.Fast                 0     allocs/op  <= 0                   holds
store.Absent                  -     ns/op      <= 5                   not measured
store.Commit/writers=1/bbolt  1000  ns/op      -                      -
store.Commit/writers=1/bbolt  5000  commits/s  -                      -
store.Commit/writers=1/conga  1000  ns/op      >= 0.5 x store.Absent  not measured
store.Commit/writers=1/conga  4000  commits/s  >= 5000                FAILS
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Error(diff)
	}
}

// The built-in bounds can be read; malformed ones are refused.
func TestBounds(t *testing.T) {
	if b, err := figures.ParseBounds(boundsText); err != nil || len(b) < 8 {
		t.Errorf("%d bounds: %v", len(b), err)
	}
	for _, text := range []string{"a ns/op <= x", "a ns/op = 1", "a ns/op <=", "a ns/op <= 1 y b"} {
		if _, err := figures.ParseBounds(text); err == nil {
			t.Errorf("%q is taken for a bound", text)
		}
	}
}

// Of figures that two versions have the ratio tells which is worse: it takes
// more, or does less a second.
func TestRatios(t *testing.T) {
	was, is := &side{values: figures.Values{}}, &side{values: figures.Values{}}
	for _, text := range []string{"A 1 10 ns/op 0 allocs/op", "A 1 30 ns/op 0 allocs/op", "A 1 20 ns/op 0 allocs/op", "B 1 90 ops/s", "Old 1 1 ns/op"} {
		if err := was.read([]byte("pkg: conga/p\nBenchmark" + text + "\n")); err != nil {
			t.Fatal(err)
		}
	}
	if err := is.read([]byte("pkg: conga/p\nBenchmarkA 1 40 ns/op 2 allocs/op\nBenchmarkB 1 180 ops/s\nBenchmarkNew 1 1 ns/op\n")); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := was.print(&out, is); err != nil {
		t.Fatal(err)
	}
	want := `  before  now       unit  ratio  benchmark
      20   40      ns/op   2.00        p.A
       0    2  allocs/op      -        p.A
      90  180      ops/s   0.50        p.B
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Error(diff)
	}
}

// Benchmarks are found by the package that they are of.
func TestBenchmarksAreFound(t *testing.T) {
	names, err := benchmarks("../../..")
	if err != nil || !slices.Contains(names["openflow"], "BenchmarkFlowModAppend") || len(names["cmd/internal/bench"]) > 0 {
		t.Errorf("%v, %v", names, err)
	}
}
