package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// repository returns a directory with a commit of the module and another one
// that moves it, and adds a room.
func repository(t *testing.T) (dir, old string) {
	t.Helper()
	dir = t.TempDir()
	git := func(args ...string) string {
		t.Helper()
		c := exec.Command("git", append([]string{"-c", "user.name=x", "-c", "user.email=x", "-c", "commit.gpgsign=false"}, args...)...)
		c.Dir = dir
		out, err := c.CombinedOutput()
		if err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
		return string(bytes.TrimSpace(out))
	}
	git("init", "-q")
	extract(t, dir, module)
	git("add", ".")
	git("commit", "-q", "-m", "x")
	old = git("rev-parse", "HEAD")
	if err := os.RemoveAll(filepath.Join(dir, "a/b")); err != nil {
		t.Fatal(err)
	}
	extract(t, dir, `
-- go.mod --
module later
-- a/a_test.go --
package a
-- c/c.go --
package c

import (
	_ "later/a"
	_ "later/d"
)
-- d/d.go --
package d

import _ "later/a"
`)
	return dir, old
}

// The lines and the drawing of a commit stand beside those of the files as they
// are now.
func TestHistory(t *testing.T) {
	dir, old := repository(t)
	for _, c := range []struct {
		imports bool
		commit  string
		want    string
	}{
		{false, old, `  code before  now  tests before  now  room
           27   27             4    1     a
           10    -             0    -   a/b
            -    6             -    0     c
            -    3             -    0     d
           37   36             4    1   all
`},
		{true, old, `floor  room  imports
2      a/b   a
1      a     
2 rooms on 2 floors with 1 arrows

floor  room  imports
3      c     a d
2      d     a
1      a     
3 rooms on 3 floors with 3 arrows
`},
		{true, "", `floor  room  imports
3      c     a d
2      d     a
1      a     
3 rooms on 3 floors with 3 arrows
`},
	} {
		var out bytes.Buffer
		if err := history(&out, dir, c.imports, c.commit); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(c.want, out.String()); diff != "" {
			t.Error(diff)
		}
	}
	if err := history(&bytes.Buffer{}, dir, true, "absent"); err == nil {
		t.Error("a commit that is not there has a drawing")
	}
}
