package main

import (
	"os/exec"
	"strconv"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"congad": main})
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			// code N args...: runs congad and wants this exit code.
			"code": func(ts *testscript.TestScript, _ bool, args []string) {
				err := ts.Exec("congad", args[1:]...)
				got := 0
				if e, ok := err.(*exec.ExitError); ok {
					got = e.ExitCode()
				}
				if strconv.Itoa(got) != args[0] {
					ts.Fatalf("exit code %d, want %s (%v)", got, args[0], err)
				}
			},
		},
	})
}
