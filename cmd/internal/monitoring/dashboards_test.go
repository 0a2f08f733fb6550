package monitoring

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

const folder = "../../../monitoring"

// alertsFile are the alert rules.
const alertsFile = folder + "/alerts.yaml"

// A dashboard is what the tests read of one.
type dashboard struct {
	UID, Title string
	Tags       []string
	Templating struct {
		List []struct {
			Name, Type string
			Query      any // a string, or an object with a query of its own
		}
	}
	Panels []panel
}

type panel struct {
	ID                       int
	Type, Title, Description string
	Datasource               struct{ UID string }
	GridPos                  struct{ X, Y, W, H int }
	Targets                  []struct{ Expr, RefID string }
}

// dashboards reads all of them, by the names of their files.
func dashboards(t *testing.T) map[string]dashboard {
	t.Helper()
	files, err := filepath.Glob(folder + "/dashboards/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("there are no dashboards: %v", err)
	}
	out := map[string]dashboard{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		var d dashboard
		if err == nil {
			err = json.Unmarshal(text, &d)
		}
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		out[filepath.Base(file)] = d
	}
	return out
}

// A use is an expression, and where it is.
type use struct{ where, expression string }

// uses returns all expressions of dashboards and alerts.
func uses(t *testing.T) (all []use) {
	t.Helper()
	for file, d := range dashboards(t) {
		for _, p := range d.Panels {
			for _, target := range p.Targets {
				all = append(all, use{file + ", " + p.Title, target.Expr})
			}
		}
		for _, v := range d.Templating.List {
			if q, ok := v.Query.(map[string]any); ok {
				text, _ := q["query"].(string) // label_values(metric, label)
				text, _, _ = strings.Cut(strings.TrimPrefix(text, "label_values("), ", ")
				all = append(all, use{file + ", variable " + v.Name, text})
			}
		}
	}
	for _, r := range rules(t) {
		all = append(all, use{"alert " + r.Alert, r.Expr})
	}
	return all
}

type rule struct {
	Alert       string
	Expr        string
	Labels      map[string]string
	Annotations map[string]string
}

func rules(t *testing.T) []rule {
	t.Helper()
	text, err := os.ReadFile(alertsFile)
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Groups []struct{ Rules []rule } }
	if err := yaml.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	return file.Groups[0].Rules
}

// TestDashboardsAreWhole: no panel of a dashboard covers another, each asks the
// data source that was chosen, and each says what it shows.
func TestDashboardsAreWhole(t *testing.T) {
	uids := map[string]string{}
	for file, d := range dashboards(t) {
		if other := uids[d.UID]; d.UID == "" || other != "" || d.Title == "" || !slices.Contains(d.Tags, "conga") {
			t.Errorf("%s has no title, tag or UID of its own: %q, %q, %s", file, d.UID, d.Title, other)
		}
		uids[d.UID] = file
		covered, ids := map[[2]int]string{}, map[int]bool{}
		for _, p := range d.Panels {
			if p.Title == "" || p.Description == "" || len(p.Targets) == 0 || p.Datasource.UID != "${datasource}" || ids[p.ID] {
				t.Errorf("%s: panel %d %q lacks something", file, p.ID, p.Title)
			}
			ids[p.ID] = true
			if p.GridPos.W < 1 || p.GridPos.H < 1 || p.GridPos.X+p.GridPos.W > 24 {
				t.Errorf("%s: panel %q is not on the grid", file, p.Title)
			}
			refs := map[string]bool{}
			for _, target := range p.Targets {
				if target.RefID == "" || refs[target.RefID] {
					t.Errorf("%s: panel %q has two of %q", file, p.Title, target.RefID)
				}
				refs[target.RefID] = true
			}
			for x := range p.GridPos.W {
				for y := range p.GridPos.H {
					at := [2]int{p.GridPos.X + x, p.GridPos.Y + y}
					if other := covered[at]; other != "" {
						t.Fatalf("%s: %q covers %q", file, p.Title, other)
					}
					covered[at] = p.Title
				}
			}
		}
	}
}

// TestAlertsSayWhatToDo: each has a severity, says what is wrong, and what that
// means or what to do.
func TestAlertsSayWhatToDo(t *testing.T) {
	for _, r := range rules(t) {
		if !slices.Contains([]string{"info", "warning", "critical"}, r.Labels["severity"]) || r.Annotations["summary"] == "" || r.Annotations["description"] == "" {
			t.Errorf("%s: %+v", r.Alert, r)
		}
	}
}
