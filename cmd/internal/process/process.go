// Package process runs a command that logs JSON to its standard error, as
// congad does, for the tests that need it as a process, and waits for what it
// says.
package process

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"time"
)

// patience is how long the methods wait for what must happen.
const patience = 20 * time.Second

// A Process is a command that was started. It is safe for concurrent use.
type Process struct {
	cmd   *exec.Cmd
	apart []string      // messages that are not waited for
	exit  chan struct{} // closed when it has ended

	mu    sync.Mutex
	log   bytes.Buffer
	lines []map[string]any // of the log, but for those apart
	more  chan struct{}    // closed at the next line
}

// Start starts a command whose log is on its standard error. The caller calls
// [Process.Stop] or [Process.Kill] in the end. Messages apart are not waited
// for: there may be millions.
func Start(cmd *exec.Cmd, apart ...string) (*Process, error) {
	p := &Process{cmd: cmd, apart: apart, exit: make(chan struct{}), more: make(chan struct{})}
	stderr, err := cmd.StderrPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		return nil, err
	}
	go func() {
		s := bufio.NewScanner(stderr)
		for s.Buffer(nil, 1<<20); s.Scan(); {
			p.read(s.Bytes())
		}
		_ = cmd.Wait() // the state tells
		close(p.exit)
	}()
	return p, nil
}

func (p *Process) read(line []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.log.Write(append(line, '\n'))
	var fields map[string]any
	isApart := func(msg string) bool { return bytes.Contains(line, []byte(`"msg":"`+msg+`"`)) }
	if slices.ContainsFunc(p.apart, isApart) || json.Unmarshal(line, &fields) != nil {
		return
	}
	p.lines = append(p.lines, fields)
	close(p.more)
	p.more = make(chan struct{})
}

// PID returns the identifier of the process.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Text returns all that it has said.
func (p *Process) Text() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.log.String()
}

// Lines returns the fields of each line of the log so far.
func (p *Process) Lines() []map[string]any {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.lines)
}

// Last returns the last line that it has said.
func (p *Process) Last() string {
	lines := strings.Split(strings.TrimSpace(p.Text()), "\n")
	return lines[len(lines)-1]
}

// Said waits for a line of the log with this message and returns its fields;
// nil if the process ends, or 20 s pass, without one.
func (p *Process) Said(msg string) map[string]any {
	deadline := time.After(patience)
	for ended := false; ; {
		p.mu.Lock()
		more := p.more
		for _, l := range p.lines {
			if l["msg"] == msg {
				p.mu.Unlock()
				return l
			}
		}
		p.mu.Unlock()
		if ended {
			return nil
		}
		select {
		case <-more:
		case <-p.exit:
			ended = true // it may have been its last line
		case <-deadline:
			return nil
		}
	}
}

// Signal sends it a signal.
func (p *Process) Signal(s os.Signal) { _ = p.cmd.Process.Signal(s) }

// Code waits for its end and returns its exit code; -1 if a signal has ended
// it, or if it had to be killed after 20 s.
func (p *Process) Code() int {
	select {
	case <-p.exit:
	case <-time.After(patience):
		p.Kill()
	}
	return p.cmd.ProcessState.ExitCode()
}

// Stop sends it a signal, waits for its end and returns its exit code, as
// [Process.Code] does.
func (p *Process) Stop(s os.Signal) int {
	p.Signal(s)
	return p.Code()
}

// Kill ends it at once, unless it has ended.
func (p *Process) Kill() {
	_ = p.cmd.Process.Kill()
	<-p.exit
}
