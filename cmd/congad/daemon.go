package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"conga/allocator"
	"conga/allocator/store"
	"conga/cmd/internal/config"
	"conga/controller"
	"conga/httpapi"
	"conga/httpapi/auth"
	"conga/httpapi/connections"
	"conga/httpapi/limits"
	"conga/httpapi/serve"
	"conga/openflow"
	"conga/scheduler"
	"conga/stats"
	"conga/stats/history/disk"
	"conga/web"
)

// drain is how long requests under way may take at a stop.
const drain = 10 * time.Second

// A daemon holds all components of one running congad.
type daemon struct {
	cfg   config.Config
	log   *slog.Logger
	level *slog.LevelVar

	store      *store.Bolt
	directory  *auth.Static
	users      userSources
	limits     atomic.Pointer[map[string]allocator.Limits]
	known      atomic.Pointer[[]httpapi.Project]
	idleness   atomic.Pointer[map[string]stats.Idleness]
	owners     atomic.Pointer[auth.Owners]
	positions  atomic.Pointer[map[string]httpapi.Position]
	keys       *auth.Keys
	reports    *connections.Registry
	services   services
	controller *controller.Controller
	poller     *stats.Poller
	reclaimed  atomic.Uint64 // allocations released since they were idle
	history    *disk.Recorder
	allocator  *allocator.Allocator
	scheduler  *scheduler.Scheduler
	server     *http.Server
	bodies     *limits.Bodies
	listener   *limits.Listener // for users
	debugging  net.Listener     // nil: none
	manager    *serviceManager
	reloaded   atomic.Pointer[reload]
	departure  departure

	adminKey    string             // path of its file
	certificate *serve.Certificate // nil without TLS
	fingerprint string             // of the API's certificate; "" without TLS

	switchesUntil time.Time // when the certificate that is shown to switches expires; zero without TLS
}

// open makes every component and listens on both addresses, in the order in
// which the components need each other. Nothing runs yet. After an error the
// store is closed, and the process is to end, which frees the addresses.
func open(ctx context.Context, cfg config.Config, log *slog.Logger, level *slog.LevelVar) (d *daemon, err error) {
	d = &daemon{cfg: cfg, log: log, level: level, manager: newServiceManager(log)}
	d.departure = departure{after: cfg.API.LameDuck.Duration(), log: log, asked: d.manager.stopping, leaving: make(chan struct{})}
	d.reloaded.Store(&reload{applied: true, since: time.Now()})
	defer func() {
		if err != nil {
			d.close()
			d, err = nil, advise(err, cfg.Data)
		}
	}()
	// The store comes first: its lock stops a second daemon before it changes
	// anything.
	if err := d.openStore(); err != nil {
		return d, err
	}
	if err := d.openAuth(ctx); err != nil {
		return d, err
	}
	if err := d.openReports(ctx); err != nil {
		return d, err
	}
	if err := d.openServices(ctx); err != nil {
		return d, err
	}
	if err := d.openNetwork(ctx); err != nil {
		return d, err
	}
	if err := d.openAPI(); err != nil {
		return d, err
	}
	return d, d.openDebugging()
}

// openStore makes the data directory and opens the store in it.
func (d *daemon) openStore() (err error) {
	if err := os.MkdirAll(d.cfg.Data, 0o700); err != nil {
		return store.Unwritable(fmt.Errorf("the data directory cannot be made: %w", err))
	}
	d.store, err = store.Open(storeFile(d.cfg.Data), d.log.With("part", "store"))
	return err
}

// openAuth makes the directory of users and loads the keys.
func (d *daemon) openAuth(ctx context.Context) (err error) {
	if d.directory, err = auth.NewStatic(directoryConfig(d.cfg.Directory)); err != nil {
		return err
	}
	if d.users, err = openUserSources(d.cfg.Directory, d.directory, d.log.With("part", "auth")); err != nil {
		return err
	}
	limits := limitsOf(d.cfg.Directory)
	d.limits.Store(&limits)
	d.known.Store(projectsOf(d.cfg.Directory))
	d.idleness.Store(new(idlenesses(d.cfg.Directory)))
	d.own(d.cfg.Directory)
	d.positions.Store(new(positionsOf(d.cfg.Network)))
	d.adminKey = filepath.Join(d.cfg.Data, adminKeyName)
	admin, created, err := auth.AdminKey(d.adminKey)
	if err != nil {
		return store.Unwritable(err)
	}
	if created {
		d.log.Info("admin key made", "file", absolute(d.adminKey))
	}
	d.keys, err = auth.OpenKeys(ctx, auth.KeysConfig{Store: d.store, Admin: admin, Log: d.log.With("part", "auth")})
	return err
}

// openNetwork makes the controller, the allocator and the scheduler.
func (d *daemon) openNetwork(ctx context.Context) error {
	cfg, err := controllerConfig(d.cfg, d.log.With("part", "controller"))
	if err != nil {
		return err
	}
	d.switchesUntil = expiryOf(cfg.TLS)
	cfg.MaxSwitches, cfg.MaxHandshakes = d.roomForSwitches()
	saved := savedNetwork{store: d.store, log: d.log.With("part", "saved network")}
	if cfg.Instance, err = saved.instance(); err != nil {
		return err
	}
	cfg.SavedNetwork, cfg.Contested = saved, httpapi.Contested(d.services.events)
	refused := httpapi.SwitchRefused(d.services.events)
	cfg.Refused = func(r controller.Refusal) { refused(r.DPID.String(), r.Address, r.Reason) }
	cfg.Bursting = newCollector().burst
	cfg.Removed = func(dpid openflow.DPID, fr *openflow.FlowRemoved) { d.poller.Removed(dpid, fr) }
	cfg.Metered = func(dpid openflow.DPID, counts openflow.MeterStatsReply, asked time.Time) time.Time {
		return d.poller.Metered(dpid, counts, asked)
	}
	if d.controller, err = controller.New(cfg); err != nil {
		return err
	}
	if d.allocator, err = allocator.Open(ctx, d.allocatorConfig()); err != nil {
		return err
	}
	if err := d.openStatistics(ctx); err != nil {
		return err
	}
	d.scheduler, err = scheduler.New(scheduler.Config{
		Allocator: d.allocator, Network: countedNetwork{d.controller, d.poller}, Log: d.log.With("part", "scheduler"),
	})
	if err != nil {
		return err
	}
	// Before a switch can connect: the entries of active allocations are
	// wanted, and the first comparison must not remove them.
	d.scheduler.Restore()
	return d.controller.Listen()
}

// allocatorConfig returns the configuration of the allocator, over the network
// that the controller knows.
func (d *daemon) allocatorConfig() allocator.Config {
	return allocator.Config{
		Store:          d.store,
		Network:        d.controller.Snapshot,
		Reservable:     reservable(d.cfg.Network),
		RequireMeters:  d.cfg.Network.Priority.RequireMeters,
		Owns:           d.owns,
		Least:          d.cfg.Allocations.MinBandwidth.BitRate(),
		History:        time.Duration(d.cfg.Allocations.History),
		Occurrences:    d.cfg.Allocations.Occurrences,
		ScavengerGrace: d.cfg.Allocations.ScavengerGrace.Duration(),
		Limits:         func(project string) allocator.Limits { return (*d.limits.Load())[project] },
		Log:            d.log.With("part", "allocator"),
		Along:          httpapi.AuditChanges(d.services.audit),
		Notify:         d.notify(),
		Pruned:         d.pruned,
		Maintained:     httpapi.MaintenanceNotifier(d.services.events),
	}
}

// openAPI makes the server and listens on the address for users.
func (d *daemon) openAPI() error {
	d.bodies = limits.NewBodies(limits.BodiesConfig{})
	metrics, observe, err := d.metrics()
	if err != nil {
		return err
	}
	page, err := web.New()
	if err != nil {
		return err
	}
	if !page.Whole() {
		d.log.Debug("the page for browsers was not built: make build needs Node.js for it")
	}
	handler, err := httpapi.New(httpapi.Config{
		Allocations: d.allocator, Keys: d.keys, Directory: d.users.directory, Tokens: d.users.tokens, SignIns: d.users.signIns,
		LeastRate: d.cfg.Allocations.MinBandwidth.BitRate(), Planner: d.allocator, Maintenance: d.allocator, Statistics: d.poller,
		Snapshot: d.controller.Snapshot, Log: d.log.With("part", "api"),
		Page: page, Metrics: metrics, Observe: observe, Bodies: d.bodies,
		Connections: d.reports, Keyless: keylessRules(d.cfg.Connections), TrustedProxies: trustedProxies(d.cfg.API),
		Audit: d.services.audit, Replays: d.services.replays, Events: d.services.events,
		Ready:    []httpapi.Check{{Name: "store", Ready: d.store.Ready}, d.historyCheck(), {Name: "service", Ready: d.departure.ready}},
		Webhooks: d.services.webhooks, Projects: d.projects, Owners: d.ownership, Origin: d.cfg.API.URL,
		Backup:    d.backup,
		Positions: func() map[string]httpapi.Position { return *d.positions.Load() },
	})
	if err != nil {
		return err
	}
	d.server = serve.NewServer(handler, nil, d.log.With("part", "api"))
	d.server.RegisterOnShutdown(d.services.events.Close) // else open streams would delay the stop
	if d.cfg.API.Plaintext == config.TLSOnly {
		pair, err := serve.ReadPair(tlsFiles(d.cfg))
		if err != nil {
			return err
		}
		d.fingerprint, d.certificate = pair.Fingerprint, serve.NewCertificate(pair)
		d.server.TLSConfig = d.certificate.TLS()
	}
	return d.listenAPI()
}

// listenAPI listens on the address for users.
func (d *daemon) listenAPI() error {
	l, err := net.Listen("tcp", d.cfg.API.Listen)
	if err != nil {
		return fmt.Errorf("listen for users on %s: %w", d.cfg.API.Listen, err)
	}
	files, total := openFiles(), d.cfg.API.MaxConnections
	if most := connectionsWithin(files); total > most {
		d.log.Warn("fewer connections of users than configured: raise the limit of open files", "max_connections", most, "files", files)
		total = most
	}
	d.listener = limits.Listen(l, limits.ListenerConfig{
		Total: total, PerAddress: d.cfg.API.MaxPerAddress, Proxies: trustedProxies(d.cfg.API), Log: d.log.With("part", "api"),
	})
	return nil
}

// roomForSwitches returns how many switches may be connected, and how many
// connections may be coming up.
func (d *daemon) roomForSwitches() (switches, handshakes int) {
	files := openFiles()
	switches, handshakes = switchesWithin(files, min(d.cfg.API.MaxConnections, connectionsWithin(files)))
	if switches < manySwitches {
		d.log.Warn("few switches can connect: raise the limit of open files", "max_switches", switches, "files", files)
	}
	return switches, handshakes
}

// run announces the daemon and runs its components until ctx ends or one fails.
//
// The components stop in the opposite order, so that none loses another that it
// uses: first the API, which answers every request that it has taken; then the
// scheduler, which ends its calls of the network and saves their results; then
// the statistics, which save their counts; then the controller, which leaves
// the switches' entries in place, so that established paths keep working. The
// store closes last, see close: all of them write to it until they have
// stopped.
func (d *daemon) run(ctx context.Context) error {
	d.announce()
	ctx, done := d.departure.delay(ctx)
	defer done()
	d.manager.ready()
	return runComponents(ctx, d.log, []component{
		{"the notices to the service manager", func(ctx context.Context) error { return d.manager.run(ctx, d.status) }},
		{"the debugging", d.serveDebugging},
		{"the controller", d.controller.Run},
		{"the history", d.history.Run},
		{"the statistics", d.poller.Run},
		{"the scheduler", d.scheduler.Run},
		{"the events", d.runEvents},
		{"the webhooks", func(ctx context.Context) error { d.services.webhooks.Run(ctx); return nil }},
		{"the removal of old keys", func(ctx context.Context) error { d.keys.Run(ctx); return nil }},
		{"the removal of old answers", func(ctx context.Context) error { d.services.replays.Run(ctx, d.log); return nil }},
		{"the removal of old allocations", func(ctx context.Context) error { d.allocator.Run(ctx); return nil }},
		{"the removal of old reports", func(ctx context.Context) error { d.reports.Run(ctx); return nil }},
		{"the API", d.serveAPI},
	})
}

// announce logs where the data is and at which addresses the daemon listens.
func (d *daemon) announce() {
	d.log.Info("data directory", "dir", absolute(d.cfg.Data), "admin_key", absolute(d.adminKey))
	users := []any{"url", d.url()}
	if d.fingerprint != "" {
		users = append(users, "fingerprint", d.fingerprint)
	}
	d.log.Info("listening for users", users...)
	d.log.Info("listening for switches", "addr", d.controller.Addr().String(), "tls", d.cfg.OpenFlow.TLS.Cert != "")
	if d.cfg.API.Plaintext == config.Forced {
		d.log.Warn("keys and passwords are taken without TLS; a proxy in front must add it")
	}
}

// absolute returns path as an absolute path, path itself if the system does not
// tell the working directory.
func absolute(path string) string {
	if abs, err := filepath.Abs(path); err == nil {
		return abs
	}
	return path
}

// url returns where users reach the API.
func (d *daemon) url() string {
	if d.fingerprint == "" {
		return "http://" + d.listener.Addr().String()
	}
	return "https://" + d.listener.Addr().String()
}

// serveAPI serves users until ctx ends, and then completes the requests under
// way.
func (d *daemon) serveAPI(ctx context.Context) error {
	served := make(chan error, 1)
	go func() {
		if d.server.TLSConfig != nil {
			served <- d.server.ServeTLS(d.listener, "", "")
		} else {
			served <- d.server.Serve(d.listener)
		}
	}()
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	}
	late, cancel := context.WithTimeout(context.Background(), drain)
	defer cancel()
	if err := d.server.Shutdown(late); err != nil {
		d.log.Warn("requests under way were cut off", "err", err)
		d.server.Close()
	}
	<-served
	return nil
}

// close releases what open has opened. The store is last: without its lock
// another daemon may start.
func (d *daemon) close() error {
	if d.listener != nil {
		d.listener.Close() // closed already, if it was served
	}
	if d.debugging != nil {
		d.debugging.Close()
	}
	if d.store == nil {
		return nil
	}
	if err := d.store.Close(); err != nil && !errors.Is(err, store.ErrClosed) {
		return fmt.Errorf("the store did not close in order: %w", err)
	}
	return nil
}
