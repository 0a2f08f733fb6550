package main

import (
	"net/http"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"conga/httpapi/client"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"conga": main})
}

// Each script has a server of its own, a home of its own, and no terminal.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		Setup: func(env *testscript.Env) error {
			s := newFake(t)
			env.Setenv("URL", s.URL)
			env.Setenv("PIN", client.Fingerprint(s.Certificate()))
			env.Setenv("XDG_CONFIG_HOME", filepath.Join(env.WorkDir, "config"))
			env.Setenv("CREDENTIALS", filepath.Join(env.WorkDir, "config", "conga", "credentials"))
			env.Values["server"] = s.Client()
			return nil
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			// code N args...: runs conga and wants this exit code.
			"code": func(ts *testscript.TestScript, _ bool, args []string) {
				err := ts.Exec("conga", args[1:]...)
				got := "0"
				if e, ok := err.(interface{ ExitCode() int }); ok {
					got = string(rune('0' + e.ExitCode()))
				}
				if got != args[0] {
					ts.Fatalf("exit code %s, want %s (%v)", got, args[0], err)
				}
			},
			// busy N: the next N calls are answered with 429.
			"busy": func(ts *testscript.TestScript, _ bool, args []string) {
				r, err := ts.Value("server").(*http.Client).Post(ts.Getenv("URL")+"/busy/"+args[0], "", nil)
				ts.Check(err)
				r.Body.Close()
			},
		},
	})
}
