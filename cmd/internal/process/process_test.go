package process

import (
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

// What a process says is found whenever it is asked for, and its exit code is
// its own.
func TestProcess(t *testing.T) {
	const script = `
		trap 'echo "{\"msg\":\"ends\"}" >&2; exit 3' TERM
		echo 'no JSON' >&2
		echo '{"msg":"request","n":1}' >&2
		echo '{"msg":"begins","n":2}' >&2
		while :; do sleep 0.01; done`
	p, err := Start(exec.Command("sh", "-c", script), "request")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Kill)
	for range 2 {
		if l := p.Said("begins"); l["n"] != 2.0 {
			t.Errorf("said %v", l)
		}
	}
	if code := p.Stop(syscall.SIGTERM); code != 3 {
		t.Errorf("exit code %d", code)
	}
	if p.Said("ends") == nil || p.Said("request") != nil || p.Said("never") != nil {
		t.Error("it is not known what it has said")
	}
	if !strings.HasPrefix(p.Text(), "no JSON\n") || p.Last() != `{"msg":"ends"}` {
		t.Errorf("text %q", p.Text())
	}
	if _, err := Start(exec.Command("/nothing/here")); err == nil {
		t.Error("what is not there was started")
	}
}
