package acceptance

import (
	"flag"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var documents = flag.String("documents", "", "`directory` of the three documents, to compare testdata/rows.txt with")

// A checks holds the sub-tests, by the row of testdata/rows.txt that each
// shows.
type checks map[string]func(*testing.T, *world)

// TestDocuments shows, row for row, that the running daemon does what the three
// documents of the interface say, over HTTPS.
func TestDocuments(t *testing.T) {
	w := worldOf(t)
	all := checks{}
	for _, some := range []checks{
		congaBasics, congaAttributes, congaCreate, congaExamples, congaUpdate, congaKeys, covalenceChecks, crowbarChecks,
	} {
		for row, check := range some {
			if all[row] != nil {
				t.Errorf("two checks show the row %q", row)
			}
			all[row] = check
		}
	}
	for _, row := range allRows(t) {
		row = strings.TrimPrefix(row, "+ ")
		t.Run(row, func(t *testing.T) {
			check := all[row]
			if check == nil {
				t.Fatal("no check shows this")
			}
			check(t, w)
		})
		delete(all, row)
	}
	for _, row := range slices.Sorted(maps.Keys(all)) {
		t.Errorf("there is a check for %q, which is no row", row)
	}
}

// allRows returns the rows of testdata/rows.txt.
func allRows(t *testing.T) (rows []string) {
	t.Helper()
	text, err := os.ReadFile("testdata/rows.txt")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			rows = append(rows, line)
		}
	}
	return rows
}

// TestRows: testdata/rows.txt has every row of the documents, where these are
// available.
func TestRows(t *testing.T) {
	for _, c := range []struct {
		source int
		text   string
		want   []string
	}{
		{0, "#### Make ####\nArguments | Description\n--- | ---\nkey | **required**<br> A\nport | **intger**\n\nno | row\n\n**Request Example**\n```\n# not | this\n```\n",
			[]string{"conga: Make: key (required)", "conga: Make: port (integer)", "conga: Make: Request Example"}},
		{1, "####GET => /x\n```\n{ \"a\": {\"b\": 1},\n \"a\": \"c\" }\n```\nnot \"d\": this\n", []string{"covalence: GET => /x: a", "covalence: GET => /x: b"}},
		{2, "## Errors\n1. Sending no JSON will\n2. Something\n| Verb | D |\n|---|---|\n| HEAD | x |\n| `next` | y |\n",
			[]string{"crowbar: Errors: no JSON", "crowbar: Errors: HEAD", "crowbar: Errors: next"}},
	} {
		if got := rowsOf(sources[c.source], c.text); !slices.Equal(got, c.want) {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
	if *documents == "" {
		return
	}
	var said []string
	for _, s := range sources {
		text, err := os.ReadFile(filepath.Join(*documents, s.file))
		if err != nil {
			t.Fatal(err)
		}
		said = append(said, rowsOf(s, string(text))...)
	}
	listed := slices.DeleteFunc(allRows(t), func(row string) bool { return strings.HasPrefix(row, "+ ") })
	if !slices.Equal(said, listed) {
		t.Errorf("the documents say\n%s\nand testdata/rows.txt\n%s", strings.Join(said, "\n"), strings.Join(listed, "\n"))
	}
	t.Logf("%d rows", len(said))
}
