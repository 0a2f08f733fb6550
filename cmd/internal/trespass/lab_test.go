package trespass

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"conga/cmd/internal/eventually"
	"conga/cmd/internal/process"
	"conga/openflow/ofswitch"
)

// A lab is a daemon and the network that it controls, for one case. The network
// is h1, h2 - s1 - s2 or s3 - s4 - h3, h4; every link has 100 Mbit/s.
type lab struct {
	*testing.T
	programs
	dir, data string
	rest      string   // of the configuration
	openflow  string   // address for switches
	stdin     *os.File // of the daemon; nil: none
	daemon    *process.Process
	network   *ofswitch.Network
	url       string
	admin     string // key
}

// common is what most cases configure: two projects that own no addresses.
const common = `
network: {default_capacity: 1G}
directory:
  projects: [{id: astro, members: [alice, adam]}, {id: bio, members: [bob]}]
  allow_passwordless: true
`

// A finding ends a case: what is not as it must be.
type finding string

// fault ends the case, which the daemon has failed.
func (l *lab) fault(format string, args ...any) {
	panic(finding(fmt.Sprintf(format, args...)))
}

// newLab returns a lab whose daemon has not started.
func newLab(t *testing.T, p programs) *lab {
	l := &lab{T: t, programs: p, dir: t.TempDir(), openflow: "127.0.0.1:0"}
	l.data = filepath.Join(l.dir, "data")
	return l
}

// start starts the daemon with the rest of a configuration, or starts it again.
func (l *lab) start(rest string) {
	l.Helper()
	l.configure(rest)
	l.daemon = l.congad()
	said := l.daemon.Said("listening for switches")
	if said == nil {
		l.fault("congad ends with code %d: %s", l.daemon.Code(), l.daemon.Last())
	}
	l.openflow = said["addr"].(string)
	l.url = l.daemon.Said("listening for users")["url"].(string)
	key, err := os.ReadFile(filepath.Join(l.data, "admin.key"))
	if err != nil {
		l.Fatal(err)
	}
	l.admin = strings.TrimSpace(string(key))
}

// congad starts the daemon, which the end of the test ends.
func (l *lab) congad() *process.Process {
	l.Helper()
	command := exec.Command(filepath.Join(l.bin, "congad"), "--config", l.file())
	if l.stdin != nil {
		command.Stdin = l.stdin
	}
	p, err := process.Start(command)
	if err != nil {
		l.Fatal(err)
	}
	l.Cleanup(func() {
		p.Kill()
		if l.Failed() {
			l.Logf("congad says:\n%s", p.Text())
		}
	})
	return p
}

// file returns the name of the configuration.
func (l *lab) file() string { return filepath.Join(l.dir, "conga.yaml") }

// configure writes the configuration.
func (l *lab) configure(rest string) {
	l.Helper()
	l.rest = rest
	text := fmt.Sprintf("data: %s\napi: {listen: \"127.0.0.1:0\"}\nopenflow: {listen: %q}\nlog: {format: json}\n%s", l.data, l.openflow, rest)
	if err := os.WriteFile(l.file(), []byte(text), 0o600); err != nil {
		l.Fatal(err)
	}
}

// reload has the daemon read another configuration.
func (l *lab) reload(rest string) {
	l.Helper()
	l.configure(rest)
	l.daemon.Signal(syscall.SIGHUP)
	if l.daemon.Said("configuration read again") == nil {
		l.fault("the configuration is not read again: %s", l.daemon.Last())
	}
}

// connect connects the network and has all hosts known. Links to hosts carry
// edge bit/s.
func (l *lab) connect(edge uint64) {
	l.Helper()
	l.network = ofswitch.Diamond(ofswitch.TopologyConfig{
		Trunk: ofswitch.LinkConfig{Capacity: 100_000_000}, Edge: ofswitch.LinkConfig{Capacity: edge}, Hosts: 2,
		Switch: ofswitch.Config{Backoff: 100 * time.Millisecond},
	})
	l.Cleanup(func() { _ = l.network.Close() })
	l.network.Start(context.WithoutCancel(l.Context()), l.openflow)
	eventually.True(l, "all links are known", func() bool { return len(l.boss().results("/api/links?per_page=100")) == 8 })
	for i, h := range l.network.Hosts() {
		to := l.network.Hosts()[(i+2)%4].Addr()
		eventually.True(l, "the hosts reach each other", func() bool {
			ctx, cancel := context.WithTimeout(l.Context(), time.Second)
			defer cancel()
			_, err := h.Ping(ctx, to)
			return err == nil
		})
	}
}

// up is a lab with everything running.
func (l *lab) up() *lab {
	l.Helper()
	l.start(common)
	l.connect(100_000_000)
	return l
}

// send has a host send datagrams to a port of another, and returns how many
// were sent and arrived.
func (l *lab) send(from, to string, port uint16, rate uint64, d time.Duration) (sent, arrived uint64) {
	l.Helper()
	src, dst := l.network.Host(from), l.network.Host(to)
	dst.ResetGot()
	v, err := src.SendUDP(l.Context(), netip.AddrPortFrom(dst.Addr(), port), ofswitch.Traffic{Rate: rate, Duration: d})
	if err == nil {
		err = l.network.Settle(l.Context())
	}
	if err != nil {
		l.Fatal(err)
	}
	return v.Packets, dst.Got(src.Addr(), port).Packets
}

// programs are the commands of one version.
type programs struct{ bin string }

// buildAt builds the commands of a source tree into dir.
func buildAt(t *testing.T, tree, dir string) programs {
	t.Helper()
	return goBuild(t, tree, dir, "conga/cmd/congad", "conga/cmd/conga")
}

// goBuild builds packages in a source tree into dir; flags may precede them.
func goBuild(t *testing.T, tree, dir string, packages ...string) programs {
	t.Helper()
	c := exec.Command("go", append([]string{"build", "-o", dir + "/"}, packages...)...)
	c.Dir = tree
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return programs{dir}
}

// A builder builds commands of a source tree into a directory.
type builder func(t *testing.T, tree, dir string) programs

// builds returns the commands of our own sources and, where -old names a
// commit, of that.
func builds(t *testing.T, build builder) (ours, other programs) {
	t.Helper()
	ours = build(t, "../../..", t.TempDir())
	if *old == "" {
		return ours, programs{}
	}
	dir := t.TempDir()
	tree := filepath.Join(dir, "tree")
	if out, err := exec.Command("git", "worktree", "add", "--detach", tree, *old).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	defer exec.Command("git", "worktree", "remove", "--force", tree).Run()
	return ours, build(t, tree, filepath.Join(dir, "bin"))
}
