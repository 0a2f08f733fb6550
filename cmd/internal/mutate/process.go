package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	memory  = 2 << 20         // KiB of data that a test process may have
	quiet   = 8 * time.Second // a process that has not run for so long hangs
	longest = 3 * time.Minute // of any process
	poll    = time.Second / 2 // between looks at a process
)

// usage is what a process took.
type usage struct{ wall, cpu time.Duration }

// An outcome is how a run of tests ended.
type outcome int

const (
	passed outcome = iota
	failed
	hung // or took much longer than without the mutant
)

// run runs tests of one suite, with a mutant if active is not 0. limit is the
// processor's time that they may take; 0: any.
func run(ctx context.Context, o options, tests []*test, active int, reach string, limit time.Duration) (outcome, usage, []byte) {
	s := tests[0].suite
	names := make([]string, len(tests))
	for i, t := range tests {
		names[i] = t.name
	}
	args := []string{"-test.failfast", "-test.timeout=0", "-test.run=^(" + strings.Join(names, "|") + ")$"}
	if s.rapid { // a failure need not be shrunk, nor kept
		args = append(args, fmt.Sprintf("-rapid.checks=%d", o.checks), fmt.Sprintf("-rapid.seed=%d", o.seed), "-rapid.nofailfile", "-rapid.shrinktime=1ms")
	}
	limits := fmt.Sprintf("ulimit -d %d; ", memory)
	if limit > 0 {
		limits += fmt.Sprintf("ulimit -t %d; ", int(limit.Seconds())+1)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	command := append(append([]string{"-c", limits + `exec "$@"`, "sh"}, o.exec...), s.binary)
	c := exec.CommandContext(ctx, "sh", append(command, args...)...)
	c.Dir = s.dir
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // what runs the tests may have children
	c.Cancel = func() error { return syscall.Kill(-c.Process.Pid, syscall.SIGKILL) }
	c.WaitDelay = time.Second
	c.Env = append(os.Environ(), "GOMAXPROCS=2", fmt.Sprintf("%s=%d", envActive, active), envReach+"="+reach)
	var out bytes.Buffer
	c.Stdout, c.Stderr = &out, &out
	begin := time.Now()
	if err := c.Start(); err != nil {
		return failed, usage{}, []byte(err.Error())
	}
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		watch(ctx, cancel, c.Process.Pid, filepath.Base(s.binary))
	}()
	err := c.Wait()
	took := usage{time.Since(begin), c.ProcessState.UserTime() + c.ProcessState.SystemTime()}
	stopped := ctx.Err() != nil || limit > 0 && took.cpu > limit
	cancel()
	<-watched
	switch {
	case err == nil:
		return passed, took, out.Bytes()
	case stopped:
		return hung, took, out.Bytes()
	}
	return failed, took, out.Bytes()
}

// watch cancels a process that waits for something that will not come, or takes
// much too long. The time counts from when it runs the program.
func watch(ctx context.Context, cancel context.CancelFunc, pid int, program string) {
	last, begun := int64(-1), time.Now()
	since := begun
	for tick := time.NewTicker(poll); ; {
		select {
		case <-ctx.Done():
			tick.Stop()
			return
		case <-tick.C:
		}
		now, there := ticks(pid, program)
		switch {
		case !there:
			last, begun, since = -1, time.Now(), time.Now()
		case time.Since(begun) > longest || now == last && time.Since(since) > quiet:
			cancel()
		case now != last:
			last, since = now, time.Now()
		}
	}
}

// ticks returns how long a process has run, in the kernel's ticks, or what
// always changes where the system has no account of it in /proc. there is false if the
// process does not run the program yet.
func ticks(pid int, program string) (n int64, there bool) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return time.Now().UnixNano(), true
	}
	end := bytes.LastIndexByte(text, ')')
	if !bytes.HasSuffix(text[:end], []byte("("+program)) {
		return 0, false
	}
	fields := strings.Fields(string(text[end+1:]))
	if len(fields) < 13 {
		return time.Now().UnixNano(), true
	}
	user, err1 := strconv.ParseInt(fields[11], 10, 64)
	system, err2 := strconv.ParseInt(fields[12], 10, 64)
	if err1 != nil || err2 != nil {
		return time.Now().UnixNano(), true
	}
	return user + system, true
}
