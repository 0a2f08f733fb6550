package trespass

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"
)

// A process is a congad.
type process struct {
	cmd  *exec.Cmd
	exit chan struct{}

	mu    sync.Mutex
	log   bytes.Buffer
	lines []map[string]any
	more  chan struct{} // closed at the next line
}

// startProcess starts a congad, which the end of the test ends.
func startProcess(t *testing.T, program string, args ...string) *process {
	t.Helper()
	p := &process{cmd: exec.Command(program, args...), exit: make(chan struct{}), more: make(chan struct{})}
	stderr, err := p.cmd.StderrPipe()
	if err == nil {
		err = p.cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		s := bufio.NewScanner(stderr)
		for s.Buffer(nil, 1<<20); s.Scan(); {
			p.read(s.Bytes())
		}
		_ = p.cmd.Wait()
		close(p.exit)
	}()
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill()
		<-p.exit
		if t.Failed() {
			t.Logf("congad says:\n%s", p.text())
		}
	})
	return p
}

func (p *process) read(line []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.log.Write(append(line, '\n'))
	var fields map[string]any
	if json.Unmarshal(line, &fields) == nil {
		p.lines = append(p.lines, fields)
	}
	close(p.more)
	p.more = make(chan struct{})
}

func (p *process) text() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.log.String()
}

// last returns the last line that it has said.
func (p *process) last() string {
	lines := strings.Split(strings.TrimSpace(p.text()), "\n")
	return lines[len(lines)-1]
}

// said waits for a line with this message; nil if the process ends or does not
// say it.
func (p *process) said(msg string) map[string]any {
	deadline := time.After(20 * time.Second)
	for {
		p.mu.Lock()
		more := p.more
		for _, l := range p.lines {
			if l["msg"] == msg {
				p.mu.Unlock()
				return l
			}
		}
		p.mu.Unlock()
		select {
		case <-more:
		case <-p.exit:
			return nil
		case <-deadline:
			return nil
		}
	}
}

// stop sends a signal and waits for the end.
func (p *process) stop(s os.Signal) {
	_ = p.cmd.Process.Signal(s)
	select {
	case <-p.exit:
	case <-time.After(20 * time.Second):
		_ = p.cmd.Process.Kill()
		<-p.exit
	}
}

// code waits for the end and returns the exit code.
func (p *process) code() int {
	select {
	case <-p.exit:
	case <-time.After(20 * time.Second):
		_ = p.cmd.Process.Kill()
		<-p.exit
	}
	return p.cmd.ProcessState.ExitCode()
}
