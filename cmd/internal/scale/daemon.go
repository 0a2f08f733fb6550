//go:build linux

package main

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// The project and the user of all allocations.
const (
	project = "scale"
	user    = "load"
)

const configuration = `
data: %s
api: {listen: "127.0.0.1:0"}
openflow: {listen: "127.0.0.1:0"}
directory:
  projects: [{id: ` + project + `, members: [` + user + `]}]
  allow_passwordless: true
stats: {interval: 5s}
log: {format: json, level: info}
`

// A daemon is a congad that runs.
type daemon struct {
	options daemonOptions
	cmd     *exec.Cmd
	dir     string
	exited  chan struct{}

	config   string // file
	url      string // of the interface
	openflow string // address for switches
	admin    string // key
	trust    *x509.CertPool
	opened   time.Duration // from its start until it listened
}

// daemonOptions say how a daemon is started.
type daemonOptions struct {
	program string
	keep    bool                    // keep its directory
	profile string                  // where its profiles go; "": none are made
	network string                  // section of the configuration, as YAML; "": defaults
	prepare func(data string) error // called with the empty data directory before the start, unless nil
}

// startDaemon starts a daemon.
func startDaemon(ctx context.Context, o daemonOptions) (*daemon, error) {
	d := &daemon{options: o, exited: make(chan struct{})}
	var err error
	if d.dir, err = os.MkdirTemp("", "conga-scale-"); err != nil {
		return nil, err
	}
	if err := d.begin(ctx); err != nil {
		d.stop()
		return nil, err
	}
	return d, nil
}

// begin fills the daemon's directory and starts the process.
func (d *daemon) begin(ctx context.Context) error {
	data := d.data()
	if err := os.Mkdir(data, 0o700); err != nil {
		return err
	}
	if d.options.prepare != nil {
		if err := d.options.prepare(data); err != nil {
			return err
		}
	}
	d.config = filepath.Join(d.dir, "conga.yaml")
	if err := os.WriteFile(d.config, fmt.Appendf(nil, configuration+d.options.network, data), 0o600); err != nil {
		return err
	}
	if err := d.start(ctx); err != nil {
		return err
	}
	return d.readKeys(data)
}

// restart ends the process and starts it again with the same data.
func (d *daemon) restart(ctx context.Context) error {
	d.end()
	d.exited, d.url, d.openflow = make(chan struct{}), "", ""
	return d.start(ctx)
}

// start starts the process and waits until it listens.
func (d *daemon) start(ctx context.Context) error {
	log, err := os.Create(d.logFile())
	if err != nil {
		return err
	}
	defer log.Close()
	d.cmd = exec.Command(d.options.program, "--config", d.config)
	if d.options.profile != "" {
		d.cmd.Env = append(os.Environ(), "CONGA_SCALE_PROFILE="+d.options.profile)
	}
	d.cmd.Stderr = log
	d.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
	began := time.Now()
	if err := d.cmd.Start(); err != nil {
		d.cmd = nil
		return err
	}
	go func() {
		_ = d.cmd.Wait()
		close(d.exited)
	}()
	lines := d.log()
	return until(ctx, 10*time.Millisecond, func() (bool, error) {
		select {
		case <-d.exited:
			text, _ := os.ReadFile(d.logFile())
			return false, fmt.Errorf("congad does not start:\n%s", text)
		default:
		}
		err := lines.each(func(l logLine) {
			switch l.Msg {
			case "listening for users":
				d.url, d.opened = l.URL, l.Time.Sub(began)
			case "listening for switches":
				d.openflow = l.Addr
			}
		})
		return d.url != "" && d.openflow != "", err
	})
}

// readKeys reads the admin's key and the certificate.
func (d *daemon) readKeys(data string) error {
	key, err := os.ReadFile(filepath.Join(data, "admin.key"))
	if err != nil {
		return err
	}
	d.admin = strings.TrimSpace(string(key))
	certificate, err := os.ReadFile(filepath.Join(data, "api.crt"))
	if err != nil {
		return err
	}
	if d.trust = x509.NewCertPool(); !d.trust.AppendCertsFromPEM(certificate) {
		return errors.New("api.crt holds no certificate")
	}
	return nil
}

// data returns the directory of its store and its keys.
func (d *daemon) data() string { return filepath.Join(d.dir, "data") }

func (d *daemon) logFile() string { return filepath.Join(d.dir, "log") }

// pid returns the number of the process.
func (d *daemon) pid() int { return d.cmd.Process.Pid }

// cpu returns the processor time that the daemon has used.
func (d *daemon) cpu() time.Duration {
	t, _ := cpuTime(d.pid())
	return t
}

// stop ends the daemon and removes its directory.
func (d *daemon) stop() {
	d.end()
	if !d.options.keep {
		_ = os.RemoveAll(d.dir)
	}
}

// end ends the process in order, or kills it after a while.
func (d *daemon) end() {
	if d.cmd == nil {
		return
	}
	_ = d.cmd.Process.Signal(syscall.SIGCONT)
	_ = d.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-d.exited:
	case <-time.After(15 * time.Second):
		_ = d.cmd.Process.Kill()
		<-d.exited
	}
}

// until calls is repeatedly, until it reports true, it fails, or ctx ends.
func until(ctx context.Context, pause time.Duration, is func() (bool, error)) error {
	for {
		if ok, err := is(); ok || err != nil {
			return err
		}
		if err := sleep(ctx, pause); err != nil {
			return err
		}
	}
}

// sleep waits, or returns the cause of ctx's end.
func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
