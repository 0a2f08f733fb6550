package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
)

// covers is how many statements a room has and how many of them tests run.
type covers struct{ statements, covered int }

// coverage runs all tests and returns what each room's own tests cover of it.
func coverage(dir string) (map[string]covers, error) {
	temp, err := os.MkdirTemp("", "measures")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(temp)
	profile := filepath.Join(temp, "profile")
	c := exec.Command("go", "test", "-coverprofile", profile, "./...")
	c.Dir = dir
	if out, err := c.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("the tests fail: %w\n%s", err, out)
	}
	list := exec.Command("go", "list", "-m")
	list.Dir = dir
	module, err := list.Output()
	if err != nil {
		return nil, err
	}
	f, err := os.Open(profile)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return parseProfile(f, strings.TrimSpace(string(module)))
}

// parseProfile reads what go test -coverprofile writes: after a first line that
// tells the mode, the place of a block, its statements, and how often it ran.
func parseProfile(r io.Reader, module string) (map[string]covers, error) {
	rooms := map[string]covers{}
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		text := lines.Text()
		if strings.HasPrefix(text, "mode: ") {
			continue
		}
		file, rest, _ := strings.Cut(text, ":")
		var place string
		var statements, times int
		if _, err := fmt.Sscan(rest, &place, &statements, &times); err != nil {
			return nil, fmt.Errorf("%q is no line of a coverage profile: %w", text, err)
		}
		room := strings.TrimPrefix(path.Dir(file), module+"/")
		c := rooms[room]
		c.statements += statements
		if times > 0 {
			c.covered += statements
		}
		rooms[room] = c
	}
	return rooms, lines.Err()
}
