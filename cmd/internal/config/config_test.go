package config

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write what the bad configurations give into their .txt files")

const testdata = "../../../testdata/config"

func files(t *testing.T, dir string) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(testdata, dir, "*.yaml"))
	if err != nil || len(names) == 0 {
		t.Fatalf("no configurations in %s: %v", dir, err)
	}
	return names
}

// Every good configuration loads, and what it prints loads again to the same.
func TestGood(t *testing.T) {
	for _, name := range files(t, "good") {
		t.Run(filepath.Base(name), func(t *testing.T) {
			c, err := Load(name, Overrides{}, Overrides{})
			if err != nil {
				t.Fatal(err)
			}
			again := c
			for i := range again.Directory.Users { // printed without their passwords
				if again.Directory.Users[i].Password != "" {
					again.Directory.AllowPasswordless = true
					again.Directory.Users[i].Password = ""
				}
			}
			printed, err := read("printed", []byte(again.String()), Overrides{}, Overrides{})
			if err != nil {
				t.Fatalf("%v\n%s", err, again)
			}
			if printed.String() != again.String() {
				t.Error(cmp.Diff(printed.String(), again.String()))
			}
		})
	}
}

// Every bad configuration gives the problems in the .txt file beside it: all of
// them, each with its position.
func TestBad(t *testing.T) {
	for _, name := range files(t, "bad") {
		t.Run(filepath.Base(name), func(t *testing.T) {
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			c, err := read(filepath.Base(name), text, Overrides{}, Overrides{})
			if err == nil {
				t.Fatal("it loads")
			}
			if diff := cmp.Diff(Config{}, c); diff != "" {
				t.Error("half a configuration came back:", diff)
			}
			if _, ok := errors.AsType[Error](err); !ok {
				t.Errorf("not an Error: %T", err)
			}
			got, wanted := err.Error()+"\n", strings.TrimSuffix(name, ".yaml")+".txt"
			if *update {
				if err := os.WriteFile(wanted, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(wanted)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Error(diff)
			}
			for line := range strings.Lines(got) {
				if !strings.HasPrefix(line, filepath.Base(name)+":") {
					t.Errorf("no place: %s", line)
				}
			}
		})
	}
}

// The example of the design sets every key to its default, but for the lists.
func TestDefaults(t *testing.T) {
	empty, err := Load("", Overrides{}, Overrides{})
	if err != nil {
		t.Fatal(err)
	}
	design, err := Load(filepath.Join(testdata, "good/design.yaml"), Overrides{}, Overrides{})
	if err != nil {
		t.Fatal(err)
	}
	if n := len(design.Network.Links) + len(design.Network.Attachments) + len(design.Network.Ports) + len(design.Directory.Projects) +
		len(design.Directory.Users) + len(design.OpenFlow.Switches.List) + len(design.Network.Hosts) + len(design.Network.Positions); n != 8 {
		t.Errorf("%d list entries, want 8", n)
	}
	design.OpenFlow.Switches.List, design.Network.Hosts, design.Network.Positions = nil, nil, nil
	design.Network.Links, design.Network.Attachments, design.Network.Ports = nil, nil, nil
	design.Directory.Projects, design.Directory.Users = nil, nil
	if design.Store.Etcd.Endpoints != nil && len(design.Store.Etcd.Endpoints) == 0 {
		design.Store.Etcd.Endpoints = nil
	}
	if diff := cmp.Diff(empty.String(), design.String()); diff != "" {
		t.Error(diff)
	}
}

// Flag > environment > file > default.
func TestPrecedence(t *testing.T) {
	of := func(s string) *string { return &s }
	text := []byte("data: file\nopenflow: {listen: \"127.0.0.1:1\"}\nlog: {level: warn}\n")
	env := Environment(func(name string) (string, bool) {
		v, ok := map[string]string{"CONGA_DATA": "env", "CONGA_OPENFLOW": "127.0.0.1:2", "CONGA_LOG_FORMAT": ""}[name]
		return v, ok
	})
	c, err := read("f", text, env, Overrides{OpenFlow: of("127.0.0.1:3"), Plaintext: of("force")})
	if err != nil {
		t.Fatal(err)
	}
	got := fmt.Sprint(c.API.Listen, " ", c.Log.Level, " ", c.Log.Format, " ", c.Data, " ", c.OpenFlow.Listen, " ", c.API.Plaintext)
	if want := "127.0.0.1:8443 warn text env 127.0.0.1:3 force"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// A problem with an override names the flag or the variable, not the file.
func TestOverrideProblems(t *testing.T) {
	of := func(s string) *string { return &s }
	for _, test := range []struct {
		env, flags Overrides
		want       string
	}{
		{Overrides{LogLevel: of("loud")}, Overrides{}, `CONGA_LOG_LEVEL: log.level: "loud" is unknown`},
		{Overrides{LogLevel: of("loud")}, Overrides{LogLevel: of("louder")}, `--log-level: log.level: "louder" is unknown`},
		{Overrides{}, Overrides{API: of("8443")}, `--api: api.listen: "8443" is not an address`},
		{Overrides{}, Overrides{Plaintext: of("maybe")}, `--plaintext: api.plaintext: "maybe": write true, false or force`},
		{Overrides{}, Overrides{Plaintext: of("true"), API: of("0.0.0.0:80")}, `--plaintext: api.plaintext: keys and passwords would cross`},
	} {
		_, err := read("f", []byte("log: {level: warn}"), test.env, test.flags)
		if err == nil || !strings.HasPrefix(err.Error(), test.want) {
			t.Errorf("got %v, want %s", err, test.want)
		}
	}
}

// No way of printing a configuration shows a password.
func TestSecrets(t *testing.T) {
	c, err := Load(filepath.Join(testdata, "good/design.yaml"), Overrides{}, Overrides{})
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{c.String(), fmt.Sprint(c), fmt.Sprintf("%v %+v %#v", c.Directory, c.Directory, c.Directory), fmt.Sprintf("%s %q", c.Directory.Users[0].Password, c.Directory.Users[0].Password)} {
		if strings.Contains(text, "argon2id") || !strings.Contains(text, redacted) {
			t.Error("a password shows, or its absence does not:", text)
		}
	}
}

func TestUnreadable(t *testing.T) {
	_, err := Load(filepath.Join(t.TempDir(), "absent.yaml"), Overrides{}, Overrides{})
	if !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}

// No bytes make the reader panic.
func FuzzRead(f *testing.F) {
	for _, dir := range []string{"good", "bad"} {
		names, _ := filepath.Glob(filepath.Join(testdata, dir, "*.yaml"))
		for _, name := range names {
			if text, err := os.ReadFile(name); err == nil {
				f.Add(text)
			}
		}
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if c, err := read("f", text, Overrides{}, Overrides{}); err == nil && c.Data == "" {
			t.Error("an empty directory was let through")
		}
	})
}
