package acceptance

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"conga/cmd/internal/eventually"
	"conga/cmd/internal/process"
	"conga/httpapi/httpapitest"
	"conga/openflow/ofswitch"
)

// A world is one congad, which all tests share, the network that it controls,
// and all secrets in it.
type world struct {
	dir, data string
	bin       string // directory of the two commands
	url       string // https://host:port
	daemon    *process.Process
	network   *ofswitch.Network
	admin     string // key
	trust     *x509.CertPool
	contract  *httpapitest.Contract

	mu      sync.Mutex
	secrets map[string]string // descriptions, by secret
	seen    bytes.Buffer      // what commands have printed on stderr
}

// Names, passwords and hosts of the world. The first four addresses are those
// of the CONGA document, the next two those of the Covalence document.
const (
	password     = "correct horse"
	passwordHash = "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$x59UGLuAwBDnzRfVUBQJ7zA6GJrOY5gZkOVPda70TuA"

	worldConfig = `
data: %s
api: {listen: "127.0.0.1:0"}
openflow: {listen: "127.0.0.1:0"}
network:
  default_capacity: 1G
  attachments:
    - {prefix: 192.127.1.10/32, at: "0000000000000001:1"}
    - {prefix: 192.127.1.40/32, at: "0000000000000001:1"}
    - {prefix: 192.127.1.11/32, at: "0000000000000004:1"}
    - {prefix: 192.127.1.22/32, at: "0000000000000004:1"}
    - {prefix: 192.127.1.45/32, at: "0000000000000004:1"}
    - {prefix: 10.80.76.9/32, at: "0000000000000001:1"}
    - {prefix: 10.80.79.34/32, at: "0000000000000004:1"}
    - {prefix: "2001:db8::1/128", at: "0000000000000001:1"}
    - {prefix: "2001:db8::2/128", at: "0000000000000004:1"}
directory:
  projects:
    - {id: projectB, members: [abc123, xyz987]}
    - {id: project1, members: [abc123, guarded]}
    - {id: "project B", members: [abc123]}
    - {id: load, members: [abc123]}
  users: [{id: guarded, password: "` + passwordHash + `"}]
  allow_passwordless: true
webhooks: {allow_private: true}
connections: {keep: 1h} # no test has to be done before what it reported expires
stats: {interval: 1s}
log: {format: json, level: %s}
`
)

// addresses counts the clients' addresses that were used.
var addresses atomic.Uint32

// theWorld starts at the first test that needs it.
var theWorld = sync.OnceValues(newWorld)

func TestMain(m *testing.M) {
	if sizes := os.Getenv(bareSizes); sizes != "" {
		fmt.Fprintln(os.Stderr, serveBare(sizes, os.Getenv("CONGA_BARE_DATA")))
		os.Exit(1)
	}
	code := m.Run()
	if started {
		if w, err := theWorld(); err == nil {
			code = max(code, w.end())
		}
	}
	os.Exit(code)
}

var started bool // a test has needed the world

func worldOf(t testing.TB) *world {
	t.Helper()
	started = true
	w, err := theWorld()
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func newWorld() (w *world, err error) {
	w = &world{secrets: map[string]string{password: "a password"}}
	if w.dir, err = os.MkdirTemp("", "conga-acceptance-"); err != nil {
		return nil, err
	}
	if w.contract, err = httpapitest.Load(); err != nil {
		return nil, err
	}
	w.bin, w.data = filepath.Join(w.dir, "bin"), filepath.Join(w.dir, "data")
	build := exec.Command("go", "build", "-o", w.bin+"/", "conga/cmd/congad", "conga/cmd/conga")
	if out, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("%w: %s", err, out)
	}
	file := filepath.Join(w.dir, "conga.yaml")
	if err := os.WriteFile(file, fmt.Appendf(nil, worldConfig, w.data, logLevel()), 0o600); err != nil {
		return nil, err
	}
	if w.daemon, err = startDaemon(w.bin, file); err != nil {
		return nil, err
	}
	w.url = w.daemon.Said("listening for users")["url"].(string)
	if err := w.readKeys(); err != nil {
		return nil, err
	}
	w.network = ofswitch.Diamond(ofswitch.TopologyConfig{})
	w.network.Start(context.Background(), w.daemon.Said("listening for switches")["addr"].(string))
	return w, w.waitForNetwork()
}

// readKeys reads the files that the daemon writes for its operator.
func (w *world) readKeys() error {
	key, err := os.ReadFile(filepath.Join(w.data, "admin.key"))
	if err != nil {
		return err
	}
	w.admin = strings.TrimSpace(string(key))
	w.keep(w.admin, "the admin's key")
	certificate, err := os.ReadFile(filepath.Join(w.data, "api.crt"))
	if err != nil {
		return err
	}
	if w.trust = x509.NewCertPool(); !w.trust.AppendCertsFromPEM(certificate) {
		return errors.New("api.crt holds no certificate")
	}
	return nil
}

// waitForNetwork waits until the controller knows every link.
func (w *world) waitForNetwork() error {
	transport := w.transport(true)
	defer transport.CloseIdleConnections()
	c := http.Client{Transport: transport}
	var failed error
	up := eventually.Try(func() bool {
		var links int
		links, failed = w.countLinks(&c)
		return failed != nil || links == 8
	})
	if up || failed != nil {
		return failed
	}
	return errors.New("the network never came up")
}

// countLinks asks how many links the controller knows.
func (w *world) countLinks(c *http.Client) (int, error) {
	r, err := http.NewRequest("GET", w.url+"/api/v1/links", nil)
	if err != nil {
		return 0, err
	}
	r.Header.Set("Authorization", "Bearer "+w.admin)
	response, err := c.Do(r)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	var answer struct{ Results []any }
	if json.NewDecoder(response.Body).Decode(&answer) != nil {
		return 0, nil // not yet
	}
	return len(answer.Results), nil
}

// transport returns a transport that trusts the daemon's certificate only. Each
// has an address of its own, and so its own rate limit of requests for keys.
func (w *world) transport(http2 bool) *http.Transport {
	n := addresses.Add(1)
	local := &net.TCPAddr{IP: net.IPv4(127, 1, byte(n>>8), byte(n))}
	return &http.Transport{
		DialContext:       (&net.Dialer{LocalAddr: local, Timeout: 10 * time.Second}).DialContext,
		TLSClientConfig:   &tls.Config{RootCAs: w.trust, MinVersion: tls.VersionTLS12},
		ForceAttemptHTTP2: http2, MaxIdleConnsPerHost: 64,
	}
}

// keep notes a secret, which must not be found anywhere.
func (w *world) keep(secret, what string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.secrets[secret] = what
}

// end stops everything, looks for secrets in what is left, and returns the exit
// code.
func (w *world) end() int {
	leaks := w.leaksInMetrics()
	w.daemon.Stop(syscall.SIGTERM)
	w.network.Close()
	leaks = append(leaks, w.leaks()...)
	os.RemoveAll(w.dir)
	for _, leak := range leaks {
		fmt.Println("FAIL: a secret has leaked:", leak)
	}
	return min(len(leaks), 1)
}

// startDaemon starts congad, as an operator does.
func startDaemon(bin, file string) (*process.Process, error) {
	d, err := process.Start(exec.Command(filepath.Join(bin, "congad"), "--config", file), "request")
	if err == nil && d.Said("listening for switches") == nil {
		d.Kill()
		err = fmt.Errorf("congad does not start:\n%s", d.Text())
	}
	return d, err
}

// logLevel returns debug, which would show most secrets, or the default if
// speed is measured.
func logLevel() string {
	if f := flag.Lookup("test.bench"); f != nil && f.Value.String() != "" {
		return "info"
	}
	return "debug"
}
