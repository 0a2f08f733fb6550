package main

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	systemd "github.com/coreos/go-systemd/v22/daemon"

	"conga/allocator"
)

// statusInterval is how often the service manager is told how things are,
// unless its watchdog wants to hear more often.
const statusInterval = 10 * time.Second

// A serviceManager is what started the daemon, if one did: systemd waits until
// the daemon is ready, shows its status, and starts it again when it is not
// heard of.
type serviceManager struct {
	log   *slog.Logger
	tell  func(state string) (sent bool, err error) // false and nil: there is no manager
	every time.Duration                             // how often to tell the status
}

// newServiceManager returns the manager that the environment names, or one
// that hears nothing.
func newServiceManager(log *slog.Logger) *serviceManager {
	m := &serviceManager{
		log: log, every: statusInterval,
		tell: func(state string) (bool, error) { return systemd.SdNotify(false, state) },
	}
	// Half of the time that it allows leaves room for a busy machine.
	if within, err := systemd.SdWatchdogEnabled(false); err == nil && within > 0 {
		m.every = min(m.every, within/2)
	}
	return m
}

// notify tells the manager a state, and reports whether there is one. What it
// cannot be told is logged: the daemon does its work without it.
func (m *serviceManager) notify(state string) bool {
	sent, err := m.tell(state)
	if err != nil {
		m.log.Warn("the service manager cannot be reached", "err", err)
	}
	return sent || err != nil
}

// ready says that the daemon does its work: after the start, and after the
// configuration was read again.
func (m *serviceManager) ready() { m.notify(systemd.SdNotifyReady) }

// reloading says that the configuration is read again; ready ends it.
func (m *serviceManager) reloading() { m.notify(systemd.SdNotifyReloading) }

// stopping says that the daemon was asked to stop.
func (m *serviceManager) stopping() { m.notify(systemd.SdNotifyStopping + "\nSTATUS=Stopping") }

// run tells the manager until ctx ends what the daemon does and, with it, that
// it is alive. status asks the parts of the daemon: where one of them does not
// answer, the manager hears nothing, and its watchdog acts.
func (m *serviceManager) run(ctx context.Context, status func() string) error {
	ticks := time.NewTicker(m.every)
	defer ticks.Stop()
	for m.notify("STATUS=" + status() + "\n" + systemd.SdNotifyWatchdog) {
		select {
		case <-ctx.Done():
			return nil
		case <-ticks.C:
		}
	}
	<-ctx.Done()
	return nil
}

// status returns in a line what the daemon does. It takes the locks that
// everything else needs, too.
func (d *daemon) status() string {
	switches := 0
	if s := d.controller.Snapshot(); s != nil {
		for _, sw := range s.Switches {
			if sw.Connected {
				switches++
			}
		}
	}
	counts := d.allocator.Counts("")
	return fmt.Sprintf("%d switches connected; %d allocations active, %d pending",
		switches, counts[allocator.Active], counts[allocator.Pending])
}

// A departure is how the daemon leaves: for some time it says that it is not
// ready, so that a proxy in front sends no more users, and then it stops.
type departure struct {
	after   time.Duration
	log     *slog.Logger
	asked   func()        // called when the daemon was asked to stop
	leaving chan struct{} // closed then
}

// delay returns a context that ends as long after ctx as the departure takes.
// The caller calls the function once it has stopped.
func (p *departure) delay(ctx context.Context) (context.Context, context.CancelFunc) {
	late, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		defer cancel()
		p.asked()
		close(p.leaving)
		if p.after == 0 {
			return
		}
		p.log.Info("asked to stop: not ready from now on", "stops_in", p.after)
		select {
		case <-time.After(p.after):
		case <-late.Done():
		}
	})
	return late, func() { stop(); cancel() }
}

// ready returns an error once the daemon was asked to stop.
func (p *departure) ready(context.Context) error {
	select {
	case <-p.leaving:
		return fmt.Errorf("congad was asked to stop, and does so %s later", p.after)
	default:
		return nil
	}
}
