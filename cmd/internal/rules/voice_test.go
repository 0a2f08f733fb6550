package rules

import (
	"go/ast"
	"go/token"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// voiced are the packages whose comments follow the rules of this file. A
// package is added when its comments do, and never taken out.
var voiced = []string{
	"openflow", "openflow/channel", "openflow/ofswitch", "openflow/ovstest", "openflow/wire", "controller/path",
	"controller", "controller/flow", "controller/topology", "controller/discovery", "allocator",
	"controller/purpose", "scheduler", "stats", "allocator/store", "allocator/store/storetest", "cmd/conga", "cmd/congad",
	"cmd/internal/acceptance", "cmd/internal/answers", "cmd/internal/bench", "cmd/internal/config", "cmd/internal/eventually", "cmd/internal/figures", "cmd/internal/preflight",
	"cmd/internal/rules", "cmd/internal/scale", "cmd/internal/terminal", "cmd/internal/version",
	"httpapi", "httpapi/audit", "httpapi/auth", "httpapi/auth/authtest", "httpapi/client", "httpapi/connections", "httpapi/events", "httpapi/httpapitest", "httpapi/limits", "httpapi/replay", "httpapi/rest", "httpapi/serve", "httpapi/webhook",
}

// voicedSources calls f with the Go files of the voiced packages.
func voicedSources(t *testing.T, f func(name string, text []byte, file *ast.File)) {
	t.Helper()
	found := map[string]bool{}
	sources(t, func(name string, text []byte, file *ast.File) {
		if dir := path.Dir(name); slices.Contains(voiced, dir) {
			found[dir] = true
			f(name, text, file)
		}
	})
	for _, dir := range voiced {
		if !found[dir] {
			t.Errorf("there is no package %s", dir)
		}
	}
}

// badDoc says what is wrong with the documentation of a function, or returns
// "". boolean is whether the function's only result is a bool.
func badDoc(name, doc string, boolean bool) string {
	rest, named := strings.CutPrefix(doc, name+" ")
	verb, _, _ := strings.Cut(rest, " ")
	switch {
	case named && (verb == "is" || verb == "are"):
		return "says what the function is; a function returns, reports or does something"
	case boolean && named && !strings.Contains(doc, "report") && !strings.HasPrefix(rest, "implements "):
		return "does not say what the function reports; begin with: " + name + " reports whether"
	}
	return ""
}

func TestFunctionsAreDescribedByWhatTheyDo(t *testing.T) {
	voicedSources(t, func(name string, _ []byte, file *ast.File) {
		for _, d := range file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok || f.Doc == nil {
				continue
			}
			boolean := false
			if r := f.Type.Results; r != nil && r.NumFields() == 1 {
				id, ok := r.List[0].Type.(*ast.Ident)
				boolean = ok && id.Name == "bool"
			}
			if bad := badDoc(f.Name.Name, strings.Join(strings.Fields(f.Doc.Text()), " "), boolean); bad != "" {
				t.Errorf("%s: the comment of %s %s", name, f.Name, bad)
			}
		}
	})
}

func TestBadDoc(t *testing.T) {
	for _, test := range []struct {
		doc     string
		boolean bool
		bad     bool
	}{
		{"f is the number of switches.", false, true}, {"f are the switches.", false, true},
		{"f returns the number of switches.", false, false}, {"f issues a key.", false, false},
		{"f is true if the port is up.", true, true}, {"f says whether the port is up.", true, true},
		{"f reports whether the port is up.", true, false}, {"f stops, and reports whether it was running.", true, false},
		{"f implements [Message].", true, false}, {"The errors of the switch.", true, false},
	} {
		if got := badDoc("f", test.doc, test.boolean); (got != "") != test.bad {
			t.Errorf("%q: %q", test.doc, got)
		}
	}
}

// bareSubject matches a pronoun that stands for a person or a program that the
// sentence does not name. "users who" is no such thing.
var bareSubject = regexp.MustCompile(`(?i)\b(?:whoever|whomever|nobody|somebody|someone|anybody|anyone|everybody|everyone)\b` +
	`|(?:^|[.;:!?] )who\b` +
	`|\b(?:of|to|for|by|from|with|and|or|but|as|on|than|that|is|are|if|says|tells|asks|knows|shows) who\b`)

// quoted matches what a comment cites.
var quoted = regexp.MustCompile("\"[^\"]*\"|`[^`]*`")

func badSubject(comment string) string {
	return bareSubject.FindString(quoted.ReplaceAllString(comment, `""`))
}

func TestCommentsNameTheirSubjects(t *testing.T) {
	voicedSources(t, func(name string, _ []byte, file *ast.File) {
		for _, c := range file.Comments {
			if bad := badSubject(strings.Join(strings.Fields(c.Text()), " ")); bad != "" {
				t.Errorf("%s: %q in %q names nothing; write the caller, the client, the switch …", name, bad, c.Text())
			}
		}
	})
}

func TestBadSubject(t *testing.T) {
	for comment, bad := range map[string]bool{
		"Who reads it must close it.":                   true,
		"It is closed. Who reads it must reopen it.":    true,
		"Whoever has the key may read.":                 true,
		"it is for who asks":                            true,
		"tells who is there":                            true,
		"events go to the hooks of who is no member":    true,
		"Nobody waits for it.":                          true,
		"what somebody else changes":                    true,
		"an error for someone to read":                  true,
		"users who may ask for keys":                    false,
		"the user, who has no key, gets 401":            false,
		"A slab whose end is reached is replaced.":      false,
		`the answer to "who has 10.0.0.1" is an ARP`:    false,
		"the caller closes it; the switch is whole":     false,
		"an allocation, and whose traffic it carries":   false,
		"Whole tables are compared, not single entries": false,
	} {
		if got := badSubject(comment); (got != "") != bad {
			t.Errorf("%q: %q", comment, got)
		}
	}
}

// maxColumns is how wide a comment of its own lines may be; a tab counts as
// tabColumns.
const maxColumns, tabColumns = 80, 4

// wide reports whether a line is a comment that could have been wrapped.
func wide(line string) bool {
	text := strings.TrimLeft(line, "\t")
	comment, ok := strings.CutPrefix(text, "// ")
	if !ok || strings.HasPrefix(comment, " ") || strings.HasPrefix(comment, "\t") || !strings.Contains(comment, " ") {
		return false
	}
	return (len(line)-len(text))*tabColumns+utf8.RuneCountInString(text) > maxColumns
}

func TestCommentsAreWrapped(t *testing.T) {
	voicedSources(t, func(name string, text []byte, _ *ast.File) {
		output, raw := false, false
		for i, line := range strings.Split(string(text), "\n") {
			trimmed := strings.TrimSpace(line)
			output = strings.HasPrefix(trimmed, "//") && (output || strings.HasPrefix(trimmed, "// Output:"))
			if wide(line) && !output && !raw {
				t.Errorf("%s:%d: the comment is wider than %d columns", name, i+1, maxColumns)
			}
			if strings.Count(line, "`")%2 == 1 && !strings.HasPrefix(trimmed, "//") {
				raw = !raw
			}
		}
	})
}

func TestWide(t *testing.T) {
	words := strings.Repeat("word ", 15) // 75 columns
	for line, want := range map[string]bool{
		"// " + words: false, "// " + words + "more": true, "\t// " + words: true,
		"//\t" + words + words: false, "// https://example.org/" + strings.Repeat("x", 80): false, "x := 1 // " + words: false,
	} {
		if got := wide(line); got != want {
			t.Errorf("%q: %t", line, got)
		}
	}
}

// logCalls are the methods of a logger, and the functions of slog that make an
// attribute, to which a key is given.
var logCalls = []string{
	"Debug", "Info", "Warn", "Error", "With", "Log", "LogAttrs", "DebugContext", "InfoContext", "WarnContext", "ErrorContext",
	"Any", "String", "Group",
}

// errorKeys calls report with every log call of the file with the key "error".
func errorKeys(file *ast.File, report func(token.Pos)) {
	ast.Inspect(file, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		if s, ok := call.Fun.(*ast.SelectorExpr); !ok || !slices.Contains(logCalls, s.Sel.Name) {
			return true
		}
		for i, arg := range call.Args {
			lit, ok := arg.(*ast.BasicLit)
			if ok && lit.Value == `"error"` && i+1 < len(call.Args) {
				report(lit.Pos())
			}
		}
		return true
	})
}

func TestLogsNameErrorsAlike(t *testing.T) {
	voicedSources(t, func(name string, _ []byte, file *ast.File) {
		errorKeys(file, func(token.Pos) { t.Errorf(`%s logs under the key "error"; the key is "err"`, name) })
	})
}
