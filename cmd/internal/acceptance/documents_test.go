package acceptance

import (
	"regexp"
	"strings"
)

// The documents are Markdown. Their rows are read from their form: every row of
// a table, every example, every member of an example that has no table.

// A source is one document: its name in rows, its file, and how it is read.
type source struct {
	name, file string
	read       func(section string, line string, in *reading)
}

var sources = []source{
	{"conga", "conga-api.md", readTables},
	{"covalence", "covalence-api.md", readMembers},
	{"crowbar", "crowbar-api.md", readTables},
}

// A reading is what has been found so far.
type reading struct {
	rows []string
	seen map[string]bool
	head string // first cell of the table's head; "" outside of a table
	code bool   // within a block of code
}

func (r *reading) add(section, row string) {
	if row = section + ": " + row; !r.seen[row] {
		r.seen[row] = true
		r.rows = append(r.rows, row)
	}
}

var heading = regexp.MustCompile(`^#{1,4} *([^#]+?) *#*$`)

// rowsOf returns the rows of a document.
func rowsOf(s source, text string) []string {
	in := &reading{seen: map[string]bool{}}
	section := ""
	for line := range strings.Lines(strings.ReplaceAll(text, "\t", " ")) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "```") {
			in.code = !in.code
		}
		if h := heading.FindStringSubmatch(line); h != nil && !in.code {
			section, in.head = h[1], ""
			continue
		}
		s.read(s.name+": "+section, line, in)
	}
	return in.rows
}

var (
	emphasis = regexp.MustCompile(`^\*\*(.+?)\*\*`)
	numbered = regexp.MustCompile(`^[0-9]\. (.+)`)
)

// readTables takes the rows of tables, the examples, and numbered rules about
// requests.
func readTables(section, line string, in *reading) {
	cells := strings.Split(strings.Trim(line, "|"), "|")
	for i := range cells {
		cells[i] = strings.Trim(strings.TrimSpace(cells[i]), "`")
	}
	switch {
	case in.code:
	case len(cells) < 2:
		in.head = ""
		if e := emphasis.FindStringSubmatch(line); e != nil && strings.HasSuffix(e[1], "Example") {
			in.add(section, e[1])
		} else if n := numbered.FindStringSubmatch(line); n != nil && strings.Contains(n[1], "Sending") {
			in.add(section, strings.Fields(n[1])[1]+" "+strings.Fields(n[1])[2])
		}
	case in.head == "":
		in.head = cells[0]
	case strings.HasPrefix(cells[1], "--"):
	case in.head == "Service Type":
		in.add(section, cells[1])
	default:
		name := cells[0]
		if e := emphasis.FindStringSubmatch(cells[1]); e != nil {
			name += " (" + strings.Replace(e[1], "intger", "integer", 1) + ")"
		}
		in.add(section, name)
	}
}

var memberName = regexp.MustCompile(`"([a-z_]+)" *:`)

// readMembers takes the names of the members in examples.
func readMembers(section, line string, in *reading) {
	if in.code {
		for _, m := range memberName.FindAllStringSubmatch(line, -1) {
			in.add(section, m[1])
		}
	}
}
