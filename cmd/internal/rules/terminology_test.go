package rules

import (
	"go/ast"
	"os"
	"path"
	"slices"
	"strings"
	"testing"
	"unicode"
)

// terminology reads the rows of a table in the section Terminology of
// ARCHITECTURE.md. columns is how many columns the table has.
func terminology(t *testing.T, columns int) (rows [][]string) {
	t.Helper()
	text, err := os.ReadFile(root + "/ARCHITECTURE.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(text), "\n## Terminology\n")
	section, _, _ = strings.Cut(section, "\n## ")
	for line := range strings.Lines(section) {
		cells := strings.Split(strings.TrimSpace(line), "|")
		if len(cells) != columns+2 || strings.Contains(cells[1], "---") {
			continue
		}
		row := cells[1 : columns+1]
		for i := range row {
			row[i] = strings.TrimSpace(row[i])
		}
		rows = append(rows, row)
	}
	if len(rows) < 10 {
		t.Fatalf("only %d rows of %d columns in the section Terminology of ARCHITECTURE.md", len(rows), columns)
	}
	return rows[1:] // without the head
}

// typesOf returns the types that are declared at the top level of files, by
// package and name, and whether one of the files is no test.
func typesOf(t *testing.T) map[string]bool {
	t.Helper()
	types := map[string]bool{}
	sources(t, func(name string, _ []byte, file *ast.File) {
		for _, d := range file.Decls {
			g, _ := d.(*ast.GenDecl)
			if g == nil {
				continue
			}
			for _, s := range g.Specs {
				if s, ok := s.(*ast.TypeSpec); ok {
					key := path.Dir(name) + "." + s.Name.Name
					types[key] = types[key] || !strings.HasSuffix(name, "_test.go")
				}
			}
		}
	})
	return types
}

// mirrors are the packages that have the same things in another form, by the
// same names.
var mirrors = []string{"httpapi/client", "cmd/internal/config"}

// A type with a word of the table for its name is one that the table names: a
// word that means two things shows here.
func TestWordsAreBorneByTheirTypes(t *testing.T) {
	words, named := map[string]bool{}, map[string]bool{}
	for _, row := range terminology(t, 3) {
		words[row[0]] = true
		for i, name := range strings.Split(row[2], "`") {
			named[name] = named[name] || i%2 == 1
		}
	}
	for key, serves := range typesOf(t) {
		at, name := key[:strings.LastIndexByte(key, '.')], key[strings.LastIndexByte(key, '.')+1:]
		tool := strings.HasPrefix(at, "cmd/internal/") // they have words of their own
		if word := strings.Join(wordsOf(name), " "); words[word] && serves && !named[key] && !tool && !slices.Contains(mirrors, at) {
			t.Errorf("Terminology: %s is called %s, and is not among the types of that word; if it is such a thing name it there, else call it something else", key, word)
		}
	}
}

// Every word of the table has one row, and every type that it names exists.
func TestTerminology(t *testing.T) {
	types := typesOf(t)
	seen := map[string]bool{}
	for _, row := range terminology(t, 3) {
		word := row[0]
		if seen[word] {
			t.Errorf("Terminology has %q twice", word)
		}
		seen[word] = true
		for i, name := range strings.Split(row[2], "`") {
			if _, there := types[name]; i%2 == 1 && !there {
				t.Errorf("Terminology: %s is borne by %s, which is no type", word, name)
			}
		}
	}
}

// wordsOf splits an identifier at its capitals: openFlow2 is open, flow2.
func wordsOf(identifier string) (words []string) {
	start := 0
	for i, r := range identifier {
		if i > start && unicode.IsUpper(r) || r == '_' {
			words = append(words, strings.ToLower(strings.Trim(identifier[start:i], "_")))
			start = i
		}
	}
	return append(words, strings.ToLower(strings.Trim(identifier[start:], "_")))
}

// declared calls f with the names that a file declares at its top level: types
// with their fields, functions, constants and variables.
func declared(file *ast.File, f func(id *ast.Ident)) {
	for _, d := range file.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			f(d.Name)
		case *ast.GenDecl:
			for _, s := range d.Specs {
				switch s := s.(type) {
				case *ast.ValueSpec:
					for _, id := range s.Names {
						f(id)
					}
				case *ast.TypeSpec:
					f(s.Name)
					fieldsOf(s.Type, f)
				}
			}
		}
	}
}

// fieldsOf calls f with the names of the fields or methods of a type.
func fieldsOf(typ ast.Expr, f func(id *ast.Ident)) {
	var list *ast.FieldList
	switch typ := typ.(type) {
	case *ast.StructType:
		list = typ.Fields
	case *ast.InterfaceType:
		list = typ.Methods
	default:
		return
	}
	for _, field := range list.List {
		for _, id := range field.Names {
			f(id)
		}
	}
}

// Words that meant several things are gone from the names of the voiced
// packages.
func TestRetiredWords(t *testing.T) {
	instead := map[string]string{}
	for _, row := range terminology(t, 2) {
		for _, word := range strings.Split(row[0], ", ") {
			instead[word] = row[1]
		}
	}
	voicedSources(t, func(name string, _ []byte, file *ast.File) {
		declared(file, func(id *ast.Ident) {
			for _, word := range wordsOf(id.Name) {
				use, ok := instead[word]
				if !ok {
					use, ok = instead[strings.TrimSuffix(word, "s")]
				}
				if ok {
					t.Errorf("%s: %s has the retired word %s; use %s", name, id.Name, word, use)
				}
			}
		})
	})
}

func TestWordsOf(t *testing.T) {
	for identifier, want := range map[string][]string{
		"openAround": {"open", "around"}, "place": {"place"}, "Test_turns": {"test", "turns"}, "holdPlace": {"hold", "place"},
	} {
		if got := wordsOf(identifier); !slices.Equal(got, want) {
			t.Errorf("%s: %v", identifier, got)
		}
	}
}
