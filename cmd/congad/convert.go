package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"time"

	"conga/allocator"
	"conga/bitrate"
	"conga/cmd/internal/config"
	"conga/controller"
	"conga/controller/flow"
	"conga/controller/topology"
	"conga/httpapi"
	"conga/httpapi/auth"
	"conga/httpapi/client"
	"conga/openflow"
	"conga/stats"
)

// controllerConfig returns the controller's part of c.
func controllerConfig(c config.Config, log *slog.Logger) (controller.Config, error) {
	tlsConfig, err := switchTLS(c.OpenFlow.TLS)
	if err != nil {
		return controller.Config{}, err
	}
	out := controller.Config{
		Log:             log,
		Listen:          c.OpenFlow.Listen,
		TLS:             tlsConfig,
		Forwarding:      flow.Forwarding(c.Network.Forwarding),
		DefaultCapacity: c.Network.DefaultCapacity.BitRate(),
		Frames:          framesOf(c.Network.FrameSize),
		Spare:           1 - reservable(c.Network),
		Priority: controller.Priority{
			Meter: c.Network.Priority.Meter, DSCP: c.Network.Priority.DSCP, Queue: c.Network.Priority.Queue,
			MeterBurst: burstOf(c.Network.Priority),
		},
	}
	if out.Role = openflow.RoleMaster; c.OpenFlow.Role == "equal" {
		out.Role = openflow.RoleEqual
	}
	if s := c.OpenFlow.Settle; s != nil {
		d := s.Duration()
		out.Settle = &d
	}
	out.Switches = admissionOf(c.OpenFlow.Switches)
	out.Links = linksOf(c.Network)
	d := c.Network.Discovery
	out.Strict, out.NoLLDP, out.NoBDDP = d.Strict, !d.LLDP, !d.BDDP
	for _, p := range c.Network.Ports {
		out.EdgePorts = append(out.EdgePorts, p.At.ID()) // edge is the only role that can be named
	}
	for _, a := range c.Network.Attachments {
		at := topology.Attachment{Prefix: a.Prefix.Prefix, At: a.At.ID()}
		if a.VLAN != nil {
			at.VLAN = topology.InVLAN(openflow.MAC{}, uint16(*a.VLAN)).VLAN
		}
		out.Attachments = append(out.Attachments, at)
	}
	out.Topology = learningConfig(c.Network)
	return out, nil
}

// linksOf returns what the configuration says of links.
func linksOf(n config.Network) (out []topology.LinkOverride) {
	for _, l := range n.Links {
		out = append(out, topology.LinkOverride{
			A: l.A.ID(), B: l.B.ID(), Capacity: l.Capacity.BitRate(), Metric: l.Metric, Latency: time.Duration(l.Latency), Static: l.Static,
		})
	}
	return out
}

// burstOf returns how long bursts of best effort are to be; 0: as long as each
// switch needs.
func burstOf(p config.Priority) time.Duration {
	if p.MeterBurst == nil {
		return 0
	}
	return p.MeterBurst.Duration()
}

// framesOf returns what frames take of links.
func framesOf(f config.FrameSize) flow.Frames {
	return flow.Frames{Overhead: f.Overhead, Allocated: f.Allocations, BestEffort: f.BestEffort}
}

// reservable returns the share of a link that allocations may hold: what the
// configuration says, and no more than the wire carries of their frames.
func reservable(n config.Network) float64 {
	f := n.FrameSize
	return min(n.Reservable, float64(f.Allocations)/float64(f.Allocations+f.Overhead))
}

// admissionOf returns which switches may connect.
func admissionOf(c config.Switches) controller.Admission {
	out := controller.Admission{Listed: c.Allow == "listed"}
	for _, s := range c.List {
		l := controller.ListedSwitch{DPID: openflow.DPID(s.DPID), Certificate: s.Certificate}
		if s.Address != nil {
			l.Address = s.Address.Prefix
		}
		out.List = append(out.List, l)
	}
	return out
}

// positionsOf returns where maps show switches, by DPID in 16 digits.
func positionsOf(n config.Network) map[string]httpapi.Position {
	out := make(map[string]httpapi.Position, len(n.Positions))
	for _, p := range n.Positions {
		out[openflow.DPID(p.DPID).String()] = httpapi.Position{X: p.X, Y: p.Y, Latitude: p.Latitude, Longitude: p.Longitude}
	}
	return out
}

// learningConfig returns what the configuration says of hosts.
func learningConfig(n config.Network) topology.Config {
	out := topology.Config{
		MaxLearned: n.Learning.Hosts, MaxHosts: n.Learning.HostsPerPort, MaxAddrs: n.Learning.AddressesPerHost, HostSilence: time.Duration(n.Learning.Silence),
	}
	for _, h := range n.Hosts {
		b := topology.Binding{MAC: h.MAC.MAC, At: h.At.ID()}
		for _, p := range h.Addresses {
			b.Addrs = append(b.Addrs, p.Addr())
		}
		out.Bindings = append(out.Bindings, b)
	}
	return out
}

// switchTLS returns the TLS configuration for switches; nil: plain TCP.
func switchTLS(files config.SwitchTLS) (*tls.Config, error) {
	if files.Cert == "" {
		return nil, nil
	}
	pair, err := tls.LoadX509KeyPair(files.Cert, files.Key)
	if err != nil {
		return nil, fmt.Errorf("openflow.tls: %s and %s: %w", files.Cert, files.Key, err)
	}
	out := &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{pair}}
	if files.ClientCA == "" {
		return out, nil
	}
	pem, err := os.ReadFile(files.ClientCA)
	if err != nil {
		return nil, fmt.Errorf("openflow.tls.client_ca: %w", err)
	}
	out.ClientAuth, out.ClientCAs = tls.RequireAndVerifyClientCert, x509.NewCertPool()
	if !out.ClientCAs.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("openflow.tls.client_ca: %s holds no PEM certificate", files.ClientCA)
	}
	return out, nil
}

// trustedProxies returns the addresses of proxies whose word on their clients'
// addresses is believed.
func trustedProxies(c config.API) []netip.Prefix {
	var out []netip.Prefix
	for _, p := range c.TrustedProxies {
		out = append(out, p.Prefix)
	}
	return out
}

// directoryConfig returns the configured users and projects in the form that
// auth reads.
func directoryConfig(d config.Directory) auth.StaticConfig {
	out := auth.StaticConfig{AllowPasswordless: d.AllowPasswordless}
	for _, p := range d.Projects {
		out.Projects = append(out.Projects, auth.Project{
			ID: p.ID, Members: p.Members, Managers: p.Managers, AllRelease: p.AllRelease, Addresses: owned(p.Addresses),
		})
	}
	for _, u := range d.Users {
		out.Users = append(out.Users, auth.User{ID: u.ID, Password: string(u.Password), Subject: u.Subject})
	}
	return out
}

// owned returns a project's addresses in the form that auth reads.
func owned(list []config.Address) []auth.Owned {
	out := make([]auth.Owned, 0, len(list))
	for _, a := range list {
		out = append(out, auth.Owned{Prefix: a.Prefix, MAC: a.MAC})
	}
	return out
}

// ownersOf returns which addresses are whose.
func ownersOf(d config.Directory) *auth.Owners {
	return auth.NewOwners(auth.Consent(d.Consent), directoryConfig(d).Projects)
}

// limitsOf returns the limits of each project.
func limitsOf(d config.Directory) map[string]allocator.Limits {
	limits := make(map[string]allocator.Limits, len(d.Projects))
	for _, p := range d.Projects {
		limits[p.ID] = allocator.Limits{
			Bandwidth: (*bitrate.Rate)(p.MaxBandwidth), Active: p.MaxActive, Pending: p.MaxPending,
			Duration: (*allocator.Seconds)(secondsOf(p.MaxDuration)), Horizon: (*allocator.Seconds)(secondsOf(p.Horizon)),
			Weight: weightOf(p),
		}
	}
	return limits
}

// weightOf returns the weight of a project's scavengers.
func weightOf(p config.Project) int {
	if p.Weight == nil {
		return 1
	}
	return *p.Weight
}

// projectsOf returns what users are shown of the directory.
func projectsOf(d config.Directory) *[]httpapi.Project {
	list := make([]httpapi.Project, 0, len(d.Projects))
	for _, p := range d.Projects {
		list = append(list, httpapi.Project{
			ID: p.ID, Members: p.Members, Bandwidth: (*bitrate.Rate)(p.MaxBandwidth), Active: p.MaxActive, Pending: p.MaxPending,
			Duration: secondsOf(p.MaxDuration), Horizon: secondsOf(p.Horizon), Idleness: idlenessOf(p), RunAhead: runAheadOf(p), Weight: weightOf(p),
		})
	}
	return &list
}

// secondsOf returns an interval in whole seconds; nil for none.
func secondsOf(i *config.Interval) *int64 {
	if i == nil {
		return nil
	}
	return new(int64(i.Duration() / time.Second))
}

// idlenessOf returns when allocations of a project are released because they
// are not used.
func idlenessOf(p config.Project) stats.Idleness {
	if p.IdleReclaim == nil {
		return stats.Idleness{}
	}
	return stats.Idleness{Below: p.IdleReclaim.Below, For: p.IdleReclaim.For.Duration()}
}

// idlenesses returns those of all projects that have one.
func idlenesses(d config.Directory) map[string]stats.Idleness {
	all := map[string]stats.Idleness{}
	for _, p := range d.Projects {
		if i := idlenessOf(p); i != (stats.Idleness{}) {
			all[p.ID] = i
		}
	}
	return all
}

// runAheadOf returns for how long a project reserves paths of commands that do
// not say how long they run; 0: for their lease at a time.
func runAheadOf(p config.Project) time.Duration {
	if p.RunAhead == nil {
		return client.DefaultRunAhead * time.Second
	}
	return p.RunAhead.Duration()
}

// levelOf returns the level that a valid configuration names.
func levelOf(name string) slog.Level {
	var l slog.Level
	if err := l.UnmarshalText([]byte(name)); err != nil {
		return slog.LevelInfo
	}
	return l
}
