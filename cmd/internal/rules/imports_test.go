package rules

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const root = "../../.."

// A listed is what go list says of a package.
type listed struct {
	ImportPath, Dir, Name string
	Imports               []string
	GoFiles               []string
}

// packages returns all packages of the module.
func packages(t *testing.T) []listed {
	t.Helper()
	c := exec.Command("go", "list", "-e", "-json=ImportPath,Dir,Name,Imports,GoFiles", "./...")
	c.Dir = root
	c.Stderr = os.Stderr
	out, err := c.StdoutPipe()
	if err == nil {
		err = c.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	var all []listed
	for d := json.NewDecoder(out); ; {
		var p listed
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
	if err := c.Wait(); err != nil || len(all) == 0 {
		t.Fatalf("go list found %d packages: %v", len(all), err)
	}
	return all
}

// A room is a row of the table: a package, or all below it too, and what it may
// import of the module.
type room struct {
	path   string
	below  bool
	all    bool
	allows []string
}

// holds reports whether a package belongs to the room. Helpers for tests, such
// as store/storetest, belong to the room that they help to test.
func (r room) holds(path string) bool {
	helper := r.path + "/" + r.path[strings.LastIndex(r.path, "/")+1:] + "test"
	return path == r.path || path == helper || r.below && strings.HasPrefix(path, r.path+"/")
}

// rooms reads the table "Rooms" of ARCHITECTURE.md.
func rooms(t *testing.T) []room {
	t.Helper()
	text, err := os.ReadFile(root + "/ARCHITECTURE.md")
	if err != nil {
		t.Fatal(err)
	}
	var table []room
	_, section, _ := strings.Cut(string(text), "## Rooms")
	for line := range strings.Lines(section) {
		if strings.HasPrefix(line, "## ") {
			break
		}
		cells := strings.Split(line, "|")
		if len(cells) != 5 || !strings.Contains(cells[1], "`") {
			continue
		}
		table = append(table, parseRoom(t, table, cells[1], cells[3]))
	}
	if len(table) < 12 {
		t.Fatalf("only %d rooms in the table of ARCHITECTURE.md", len(table))
	}
	return table
}

func parseRoom(t *testing.T, above []room, name, imports string) room {
	r := room{path: strings.Trim(strings.Split(name, "`")[1], "/"), below: strings.Contains(name, "below")}
	switch imports = strings.TrimSpace(imports); {
	case imports == "everything":
		r.all, r.below = true, true
	case strings.HasPrefix(imports, "the six above"): // its own subrooms, and the codec that they all speak
		r.allows = append(r.allows, "openflow")
		for _, o := range above {
			if strings.HasPrefix(o.path, r.path+"/") {
				r.allows = append(r.allows, o.path)
			}
		}
		fallthrough
	default:
		quoted := strings.Split(imports, "`")
		for i := 1; i < len(quoted); i += 2 {
			r.allows = append(r.allows, quoted[i])
		}
		if len(quoted) == 1 && imports != "nothing" {
			t.Errorf("ARCHITECTURE.md: what may %s import? %q names nothing", r.path, imports)
		}
	}
	return r
}

// permits reports whether the table lets the room import a package of ours. The
// table names a subroom by its last word.
func (r room) permits(path string) bool {
	return r.all || r.holds(path) || slices.ContainsFunc(r.allows, func(a string) bool {
		return path == a || strings.HasSuffix(path, "/"+a)
	})
}

// Every import within the module is one that ARCHITECTURE.md allows.
func TestImportsFollowTheArchitecture(t *testing.T) {
	table := rooms(t)
	for _, p := range packages(t) {
		own := strings.TrimPrefix(p.ImportPath, "conga/")
		var home *room
		for i := range table { // the longest row that holds it
			if table[i].holds(own) && (home == nil || len(table[i].path) > len(home.path)) {
				home = &table[i]
			}
		}
		if home == nil {
			t.Errorf("%s has no row in the table of ARCHITECTURE.md", own)
			continue
		}
		for _, imported := range p.Imports {
			if path, ours := strings.CutPrefix(imported, "conga/"); ours && !home.permits(path) {
				t.Errorf("%s imports %s, which ARCHITECTURE.md does not allow", own, path)
			}
		}
	}
}

// The table is read as it is meant.
func TestTheArchitectureForbids(t *testing.T) {
	table := rooms(t)
	for _, test := range []struct {
		room, imports string
		may           bool
	}{
		{"openflow", "controller/topology", false}, {"openflow/channel", "openflow", true}, {"openflow/channel", "openflow/ofswitch", false},
		{"controller/path", "controller/topology", true}, {"controller/path", "controller/flow", false},
		{"controller", "controller/flow", true}, {"controller", "openflow/channel", true}, {"controller", "openflow/ofswitch", false},
		{"allocator", "controller", false}, {"allocator", "allocator/store", true}, {"allocator/store", "allocator", false},
		{"scheduler", "allocator", true}, {"scheduler", "controller", false}, {"stats", "allocator", false},
		{"httpapi", "openflow", false}, {"httpapi", "controller", false}, {"httpapi", "httpapi/auth", true},
		{"httpapi/client", "httpapi", false}, {"httpapi/serve", "httpapi", false}, {"httpapi/rest", "allocator", false}, {"httpapi/rest", "httpapi", false}, {"cmd", "controller", true},
	} {
		i := slices.IndexFunc(table, func(r room) bool { return r.path == test.room })
		if i < 0 {
			t.Errorf("%s has no row", test.room)
		} else if got := table[i].permits(test.imports); got != test.may {
			t.Errorf("%s may import %s: %t", test.room, test.imports, got)
		}
	}
}

// confined says which packages alone may import a library.
var confined = []struct {
	library string
	rooms   []string // and what is below them
	why     string
}{
	{"github.com/gin-gonic/", []string{"httpapi"}, "only the REST layer knows how it is routed"},
	{"github.com/prometheus/", []string{"stats", "httpapi"}, "what is counted is not the business of who counts it"},
	{"go.etcd.io/bbolt", []string{"allocator/store"}, "the rest knows records"},
	{"go.etcd.io/etcd", []string{"allocator/store"}, "the rest knows records"},
	{"github.com/spf13/", []string{"cmd"}, "only commands have a command line"},
	{"github.com/goccy/", []string{"cmd"}, "only commands have a configuration file"},
	{"github.com/teambition/rrule-go", []string{"allocator/recurrence"}, "only one room knows which rules it does not end with"},
	{"github.com/guptarohit/asciigraph", []string{"cmd"}, "only the command draws plots"},
	{"github.com/schollz/progressbar/", []string{"cmd"}, "only the command draws bars"},
	{"golang.org/x/term", []string{"cmd"}, "only commands have a terminal"},
	{"github.com/shirou/gopsutil/", []string{"cmd"}, "only the agent looks at its host"},
	{"github.com/coreos/go-oidc/", []string{"httpapi/auth"}, "the rest knows users"},
	{"golang.org/x/oauth2", []string{"httpapi/auth"}, "the rest knows users"},
	{"github.com/rogpeppe/", []string{"cmd"}, "scripts test commands"},
}

// bare are the packages that import nothing but the standard library and ours.
var bare = []string{"openflow", "openflow/channel", "openflow/ofswitch", "controller", "scheduler", "httpapi/client"}

func TestLibrariesStayInTheirRooms(t *testing.T) {
	within := func(path string, rooms []string) bool {
		return slices.ContainsFunc(rooms, func(r string) bool { return path == r || strings.HasPrefix(path, r+"/") })
	}
	for _, p := range packages(t) {
		own := strings.TrimPrefix(p.ImportPath, "conga/")
		for _, imported := range p.Imports {
			for _, rule := range confined {
				if strings.HasPrefix(imported, rule.library) && !within(own, rule.rooms) {
					t.Errorf("%s imports %s: %s", own, imported, rule.why)
				}
			}
			first, _, _ := strings.Cut(imported, "/")
			if within(own, bare) && strings.Contains(first, ".") {
				t.Errorf("%s imports %s: the standard library is enough here", own, imported)
			}
			if own == "openflow" && (imported == "net" || imported == "os" || imported == "io") {
				t.Errorf("openflow imports %s: the codec does no I/O", imported)
			}
		}
	}
}
