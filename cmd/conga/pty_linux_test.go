package main

import (
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"conga/cmd/internal/eventually"
	"conga/httpapi/client"
)

// A pty is a terminal that the test types at.
type pty struct {
	t         *testing.T
	keys, tty *os.File
	screen    buffer
}

func newPTY(t *testing.T) *pty {
	t.Helper()
	keys, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skip("there are no terminals here:", err)
	}
	p := &pty{t: t, keys: keys}
	n := -1
	raw, err := keys.SyscallConn()
	if err == nil {
		err = raw.Control(func(fd uintptr) {
			_ = unix.IoctlSetPointerInt(int(fd), unix.TIOCSPTLCK, 0)
			n, err = unix.IoctlGetInt(int(fd), unix.TIOCGPTN)
		})
	}
	if err == nil {
		p.tty, err = os.OpenFile("/dev/pts/"+strconv.Itoa(n), os.O_RDWR|unix.O_NOCTTY, 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	read := make(chan struct{})
	go func() {
		defer close(read)
		b := make([]byte, 4096)
		for {
			n, err := keys.Read(b)
			_, _ = p.screen.Write(b[:n])
			if err != nil {
				return
			}
		}
	}()
	t.Cleanup(func() {
		p.tty.Close()
		keys.Close()
		<-read
		if t.Failed() {
			t.Log(p.screen.String())
		}
	})
	return p
}

// start starts a command with p as its controlling terminal, and as its files
// 0, 1 and 2 unless they are set.
func (p *pty) start(c *exec.Cmd) {
	p.t.Helper()
	ctty := 3 // beyond the three
	c.ExtraFiles = []*os.File{p.tty}
	c.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true, Ctty: ctty}
	if c.Stdin == nil {
		c.Stdin = p.tty
	}
	if c.Stdout == nil {
		c.Stdout = p.tty
	}
	c.Stderr = p.tty
	if err := c.Start(); err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { _ = c.Process.Kill(); _ = c.Wait() })
}

func (p *pty) shows(text string) {
	p.t.Helper()
	eventually.True(p.t, "the terminal shows "+text, func() bool { return strings.Contains(p.screen.String(), text) })
}

func (p *pty) press(keys string) {
	p.t.Helper()
	if _, err := p.keys.WriteString(keys); err != nil {
		p.t.Fatal(err)
	}
}

// foreground returns the process group in the foreground.
func (p *pty) foreground() (group int) {
	p.t.Helper()
	raw, err := p.keys.SyscallConn()
	if err == nil {
		err = raw.Control(func(fd uintptr) { group, err = unix.IoctlGetInt(int(fd), unix.TIOCGPGRP) })
	}
	if err != nil {
		p.t.Fatal(err)
	}
	return group
}

// echoes reports whether the terminal shows what is typed.
func (p *pty) echoes() bool {
	p.t.Helper()
	m, err := unix.IoctlGetTermios(int(p.tty.Fd()), unix.TCGETS)
	if err != nil {
		p.t.Fatal(err)
	}
	return m.Lflag&unix.ECHO != 0
}

// TestLoginIsStopped at each of its questions, by a key or from elsewhere, and
// leaves the terminal as it was.
func TestLoginIsStopped(t *testing.T) {
	srv := newServer(t, t.Cleanup)
	pin := client.Fingerprint(srv.Certificate())
	for name, test := range map[string]struct {
		args  []string
		shows string
		key   bool
		code  int
	}{
		"Ctrl-C at the fingerprint":  {nil, "[y/N]", true, 130},
		"SIGTERM at the fingerprint": {nil, "[y/N]", false, 143},
		"Ctrl-C at the password":     {[]string{"--fingerprint", pin}, "Password of abc123", true, 130},
		"SIGTERM at the password":    {[]string{"--fingerprint", pin}, "Password of abc123", false, 143},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPTY(t)
			c := exec.Command("conga", append([]string{"login", "--server", srv.URL, "--user", "abc123", "--project", "projectB"}, test.args...)...)
			c.Env = append(os.Environ(), "XDG_CONFIG_HOME="+t.TempDir())
			p.start(c)
			p.shows(test.shows)
			began := time.Now()
			if test.key {
				p.press("\x03")
			} else if err := c.Process.Signal(syscall.SIGTERM); err != nil {
				t.Fatal(err)
			}
			_ = c.Wait()
			if code := c.ProcessState.ExitCode(); code != test.code || time.Since(began) > 10*time.Second {
				t.Errorf("exit code %d after %v", code, time.Since(began))
			}
			if !p.echoes() {
				t.Error("it leaves a terminal that does not echo")
			}
		})
	}
}
