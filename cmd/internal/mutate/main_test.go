package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"
)

// module is a small module with a room whose tests leave something to wish.
const module = `
-- go.mod --
module example

go 1.26
-- room/room.go --
package room

type ids struct{ last int }

func (s *ids) add() { s.last++ }

func clip(n int) int {
	if n > 10 {
		return 10
	}
	return n
}

func count(words ...string) (n int, ok bool) {
	for _, w := range words {
		n += len(w)
	}
	return n, n > 0 && len(words) < 3
}

func settle(done bool) bool {
	for !done {
		done = true
	}
	return done
}

func flags(mask uint8) uint8 { return mask&0xf | 1<<7 }

func untested(a bool) bool { return !a }
-- room/room_test.go --
package room

import "testing"

func TestClip(t *testing.T) {
	if clip(3) != 3 || clip(12) != 10 {
		t.Fail()
	}
}

func TestCount(t *testing.T) {
	if n, ok := count("ab", "c"); n != 3 || !ok {
		t.Fail()
	}
}

func TestSettle(t *testing.T) {
	if !settle(false) {
		t.Fail()
	}
}

func TestFlags(t *testing.T) {
	if flags(0x15) != 0x85 {
		t.Fail()
	}
	new(ids).add()
}
`

func unpack(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, f := range txtar.Parse([]byte(module)).Files {
		name := filepath.Join(dir, f.Name)
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, f.Data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestFates(t *testing.T) {
	root, dir := unpack(t), t.TempDir()
	r, err := build(context.Background(), root, "room", dir)
	if err != nil {
		t.Fatal(err)
	}
	none, err := openCache("")
	if err != nil {
		t.Fatal(err)
	}
	results, err := r.score(context.Background(), options{jobs: 2, only: regexp.MustCompile("")}, none, dir)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, x := range results {
		got = append(got, string(x.fate)+": "+strings.TrimPrefix(x.key(), "room ")+"\n")
	}
	want := `survived: (*ids).add: math: s.last++ -> s.last--
survived: (*ids).add: removal: s.last++ -> nothing
survived: clip: boundary: n > 10 -> n >= 10
killed: clip: branch: n > 10 -> true
killed: clip: branch: n > 10 -> false
survived: clip: constant: 10 -> 10 + 1
survived: clip: constant: 10 -> 10 - 1
killed: clip: return: return 10 -> zero values
killed: clip: constant: 10 -> 10 + 1 #2
killed: clip: constant: 10 -> 10 - 1 #2
killed: clip: return: return n -> zero values
killed: count: loop: for _, w := range words -> nothing
killed: count: math: n += len(w) -> n -= len(w)
killed: count: removal: n += len(w) -> nothing
killed: count: return: return n, n > 0 && len(words) < 3 -> zero values
survived: count: logic: n > 0 && len(words) < 3 -> n > 0 || len(words) < 3
survived: count: boundary: n > 0 -> n >= 0
killed: count: negation: n > 0 -> n <= 0
survived: count: constant: 0 -> 0 + 1
survived: count: boundary: len(words) < 3 -> len(words) <= 3
killed: count: negation: len(words) < 3 -> len(words) >= 3
survived: count: constant: 3 -> 3 + 1
killed: count: constant: 3 -> 3 - 1
killed: settle: loop: !done -> false
timed out: settle: removal: done = true -> nothing
killed: settle: return: done -> !done
killed: flags: return: return mask&0xf | 1<<7 -> zero values
killed: flags: math: mask&0xf | 1<<7 -> mask&0xf & 1<<7
killed: flags: math: mask&0xf -> mask | 0xf
killed: flags: constant: 0xf -> 0xf + 1
killed: flags: constant: 0xf -> 0xf - 1
not reached: untested: negation: !a -> a
`
	slices.Sort(got)
	if diff := cmp.Diff(slices.Sorted(strings.Lines(want)), got); diff != "" {
		t.Error(diff)
	}
}

// What is printed names each survivor with its place, and the score.
func TestReport(t *testing.T) {
	root := unpack(t)
	cached := filepath.Join(t.TempDir(), "cache")
	o := options{jobs: 2, only: regexp.MustCompile(`clip: (boundary|branch)`), cache: cached, least: 70}
	for range 2 { // the second time out of the cache
		var out bytes.Buffer
		err := mutate(context.Background(), &out, root, o, []string{"room"})
		want := `room/room.go:8: survived: room clip: boundary: n > 10 -> n >= 10
  room or file  mutants  killed  timed out  elsewhere  survived  not reached  excused   score
  room/room.go        3       2          0          0         1            0        0  66.7 %
          room        3       2          0          0         1            0        0  66.7 %
room: 66.7 % of 3 mutants killed, by seed 0, of 32 in all
`
		if diff := cmp.Diff(want, out.String()); diff != "" {
			t.Error(diff)
		}
		if err == nil || !strings.Contains(err.Error(), "66.7 %") {
			t.Errorf("a score below the least: %v", err)
		}
	}
	text, err := os.ReadFile(cached)
	if err != nil || strings.Count(string(text), "\n") != 3 {
		t.Errorf("the cache has %q (%v)", text, err)
	}
}

// A survivor with a reason is excused, and a reason without a survivor is named.
func TestReasons(t *testing.T) {
	why, err := parseReasons("# comment\na f: math: x -> y\na f: math: y -> x\n\tno matter,\n\tand never was\n\na g: loop: z -> nothing\n\tspeed only\n")
	if err != nil {
		t.Fatal(err)
	}
	want := reasons{"a f: math: x -> y": "no matter, and never was", "a f: math: y -> x": "no matter, and never was", "a g: loop: z -> nothing": "speed only"}
	if diff := cmp.Diff(want, why); diff != "" {
		t.Error(diff)
	}
	for _, text := range []string{"\twhy\n", "a f: x\n", "a f: x\n\twhy\na f: x\n\twhy\n", "a f: x\na f: x\n\twhy\n"} {
		if got, err := parseReasons(text); err == nil {
			t.Errorf("%q is read as %v", text, got)
		}
	}
	f := &mutant{room: "a", function: "f", operator: opMath, before: "x", after: "y"}
	dead := &mutant{room: "a", function: "f", operator: opMath, before: "y", after: "x"}
	r := &room{path: "a", mutants: []*mutant{f, dead}}
	got := stale(want, []*room{r}, []result{{mutant: f, fate: survived}, {mutant: dead, fate: killed}})
	if diff := cmp.Diff([]string{"a f: math: y -> x", "a g: loop: z -> nothing"}, got); diff != "" {
		t.Error(diff)
	}
	if _, err := parseReasons(survivorsText); err != nil {
		t.Error(err)
	}
}

// Edits nest, and an insertion at the start of an edit is inside it.
func TestRender(t *testing.T) {
	around := func(l, r string) func(string) string { return func(s string) string { return l + s + r } }
	got := render("a + b*c; d", []edit{
		{4, 7, around("(", ")")}, {0, 7, around("<", ">")}, {0, 7, around("[", "]")}, {5, 6, func(string) string { return "," }}, {9, 9, around("!", "")},
	})
	if want := "<[a + (b,c)]>; !d"; got != want {
		t.Errorf("rendered as %q, want %q", got, want)
	}
}
