package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"strconv"
	"syscall"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"conga/cmd/internal/eventually"
	"conga/httpapi/client"
)

var update = flag.Bool("update", false, "write what the commands print into the scripts")

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"conga": main, "counts": counts})
}

// counts runs as a command. It writes its process ID to the file pid, and the
// signals that it gets to the file signals, one a line. SIGTERM ends it.
func counts() {
	got := make(chan os.Signal, 100)
	signal.Notify(got, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT)
	if err := os.WriteFile("pid", []byte(strconv.Itoa(os.Getpid())), 0o600); err != nil {
		os.Exit(1)
	}
	f, err := os.OpenFile("signals", os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	for err == nil {
		sig := <-got
		if _, err = fmt.Fprintln(f, sig); sig == syscall.SIGTERM {
			os.Exit(0)
		}
	}
	os.Exit(1)
}

// Each script has its own server, its own home, and no terminal.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		UpdateScripts:       *update,
		Setup: func(env *testscript.Env) error {
			s := newServer(t, env.Defer)
			env.Setenv("URL", s.URL)
			env.Setenv("ADMIN_KEY", adminKey)
			env.Setenv("PIN", client.Fingerprint(s.Certificate()))
			env.Setenv("XDG_CONFIG_HOME", filepath.Join(env.WorkDir, "config"))
			env.Setenv("CREDENTIALS", filepath.Join(env.WorkDir, "config", "conga", "credentials"))
			env.Values["server"] = s
			return nil
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			// code N args...: runs conga and wants this exit code.
			"code": func(ts *testscript.TestScript, _ bool, args []string) {
				err := ts.Exec("conga", args[1:]...)
				got := 0
				if e, ok := err.(*exec.ExitError); ok {
					got = e.ExitCode()
				}
				if strconv.Itoa(got) != args[0] {
					ts.Fatalf("exit code %d, want %s (%v)", got, args[0], err)
				}
			},
			// key: the last key in what the last command printed becomes
			// $CONGA_KEY.
			"key": func(ts *testscript.TestScript, _ bool, _ []string) {
				keys := regexp.MustCompile(`conga_[A-Za-z0-9_-]+`).FindAllString(ts.ReadFile("stdout"), -1)
				ts.Setenv("CONGA_KEY", keys[len(keys)-1])
			},
			// before: the credentials become as conga saved them before it had
			// contexts, of the current one alone.
			"before": func(ts *testscript.TestScript, _ bool, _ []string) {
				path := ts.Getenv("CREDENTIALS")
				var c credentials
				ts.Check(json.Unmarshal([]byte(ts.ReadFile(path)), &c))
				l := c.Contexts[c.Current]
				server := l.Server
				l.Server = ""
				text, err := json.Marshal(map[string]any{"default": server, "servers": map[string]login{server: l}})
				ts.Check(err)
				ts.Check(os.WriteFile(path, text, 0o600))
			},
			// busy N: the next N calls are answered with 429.
			"busy": busy,
			// fake NAME...: the fake serves these resources in place of the
			// server.
			"fake": func(ts *testscript.TestScript, _ bool, args []string) {
				ts.Value("server").(*server).fake.have(args...)
			},
			// asked N REQUEST: waits until the server has got N such requests.
			"asked": func(ts *testscript.TestScript, _ bool, args []string) {
				n, err := strconv.Atoi(args[0])
				ts.Check(err)
				f := ts.Value("server").(*server).fake
				if !eventually.Try(func() bool { return f.count(args[1]) >= n }) {
					ts.Fatalf("never asked: %q", f.asked)
				}
			},
		},
	})
}

func busy(ts *testscript.TestScript, _ bool, args []string) {
	n, err := strconv.Atoi(args[0])
	ts.Check(err)
	ts.Value("server").(*server).busy.Store(int64(n))
}
