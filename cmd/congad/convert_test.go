package main

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"conga/cmd/internal/config"
	"conga/stats"
)

// A project that does not say for how long conga run reserves a path has a day;
// 0 is another thing.
func TestRunAhead(t *testing.T) {
	file := filepath.Join(t.TempDir(), "congad.yaml")
	text := "directory: {allow_passwordless: true, projects: [{id: a}, {id: b, run_ahead: 0}, {id: c, run_ahead: 0s}, {id: d, run_ahead: 8h}]}\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := config.Load(file, config.Overrides{}, config.Overrides{})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]time.Duration{"a": 24 * time.Hour, "b": 0, "c": 0, "d": 8 * time.Hour}
	for _, p := range *projectsOf(c.Directory) {
		if p.RunAhead != want[p.ID] {
			t.Errorf("%s reserves for %v, want %v", p.ID, p.RunAhead, want[p.ID])
		}
	}
}

// TestIdleness: a project without idle_reclaim has none of its allocations
// released.
func TestIdleness(t *testing.T) {
	d := config.Directory{Projects: []config.Project{{ID: "p", IdleReclaim: &config.Idle{Below: .05, For: config.Interval(30 * time.Minute)}}, {ID: "q"}}}
	all := idlenesses(d)
	if want := (stats.Idleness{Below: .05, For: 30 * time.Minute}); len(all) != 1 || all["p"] != want || (*projectsOf(d))[0].Idleness != want || (*projectsOf(d))[1].Idleness != (stats.Idleness{}) {
		t.Errorf("%+v, %+v", all, *projectsOf(d))
	}
}
