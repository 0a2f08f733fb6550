package connections_test

import (
	"errors"
	"fmt"
	"net/netip"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/google/uuid"
	"go.uber.org/goleak"

	"conga/allocator/store"
	"conga/allocator/store/storetest"
	"conga/controller/path"
	"conga/httpapi/connections"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// clock is moved by the test.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.Unix(1429206574, 0)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func open(t testing.TB, cfg connections.Config) *connections.Registry {
	t.Helper()
	r, err := connections.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// one returns a report of a connection from 10.0.0.1:port to 10.0.0.2:443.
func one(port int) connections.Report {
	return connections.Report{
		Protocol: connections.TCP,
		Source: connections.Source{
			Addr: netip.MustParseAddrPort(fmt.Sprintf("10.0.0.1:%d", port)), Deployment: "cf", Job: "agent",
			Index: 1, User: "vcap", PID: 205, ProcessName: "ruby", Age: 7,
		},
		Destination: netip.MustParseAddrPort("10.0.0.2:443"),
	}
}

func report(t testing.TB, r *connections.Registry, project string, reports ...connections.Report) connections.Result {
	t.Helper()
	receipt, err := r.Report(t.Context(), project, reports)
	if err != nil {
		t.Fatal(err)
	}
	return receipt
}

func all(r *connections.Registry) []*connections.Connection {
	list, _ := r.List(connections.Query{}, 0, -1)
	return list
}

// equal compares addresses too, which cmp cannot look into.
var equal = cmp.Options{cmpopts.EquateComparable(netip.AddrPort{}, uuid.UUID{}), cmpopts.EquateEmpty()}

// The identity is what the package says it is: each of these differs from the
// first in something, and is or is not the same connection.
func TestIdentity(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(*connections.Report)
		same   bool
	}{
		{"nothing", func(*connections.Report) {}, true},
		{"no protocol means TCP", func(r *connections.Report) { r.Protocol = connections.Unsaid }, true},
		{"user", func(r *connections.Report) { r.Source.User = "root" }, true},
		{"group", func(r *connections.Report) { r.Source.Group = "root" }, true},
		{"process name", func(r *connections.Report) { r.Source.ProcessName = "perl" }, true},
		{"age", func(r *connections.Report) { r.Source.Age = 99 }, true},
		{"protocol", func(r *connections.Report) { r.Protocol = connections.UDP }, false},
		{"source port", func(r *connections.Report) { r.Source.Addr = netip.MustParseAddrPort("10.0.0.1:2") }, false},
		{"source", func(r *connections.Report) { r.Source.Addr = netip.MustParseAddrPort("10.0.0.9:1") }, false},
		{"destination port", func(r *connections.Report) { r.Destination = netip.MustParseAddrPort("10.0.0.2:80") }, false},
		{"destination", func(r *connections.Report) { r.Destination = netip.MustParseAddrPort("10.0.0.9:443") }, false},
		{"the other end", func(r *connections.Report) { r.Source.Addr, r.Destination = r.Destination, r.Source.Addr }, false},
		{"deployment", func(r *connections.Report) { r.Source.Deployment = "cf2" }, false},
		{"job", func(r *connections.Report) { r.Source.Job = "other" }, false},
		{"a shifted boundary", func(r *connections.Report) { r.Source.Deployment, r.Source.Job = "cfa", "gent" }, false},
		{"index", func(r *connections.Report) { r.Source.Index = 2 }, false},
		{"no index", func(r *connections.Report) { r.Source.Index = connections.None }, false},
		{"pid", func(r *connections.Report) { r.Source.PID = 206 }, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := open(t, connections.Config{Store: storetest.NewMemory(), Now: newClock().Now})
			first := report(t, r, "p", one(1))
			changed := one(1)
			test.change(&changed)
			second := report(t, r, "p", changed)
			if same := first.IDs[0] == second.IDs[0]; same != test.same || same != (second.Fresh == 0) {
				t.Errorf("the same: %t, fresh: %d", same, second.Fresh)
			}
			list := all(r)
			if len(list) != 1 && test.same || len(list) != 2 && !test.same {
				t.Errorf("%d connections", len(list))
			}
			if last := list[len(list)-1]; last.Report != changed {
				t.Errorf("shown is %+v, want what was said last", last.Report)
			}
		})
	}
}

func TestProjectsAreApart(t *testing.T) {
	r := open(t, connections.Config{Store: storetest.NewMemory()})
	p, q := report(t, r, "p", one(1)), report(t, r, "q", one(1))
	if p.IDs[0] == q.IDs[0] {
		t.Error("two projects share a connection")
	}
	list, total := r.List(connections.Query{Project: "q"}, 0, -1)
	if total != 1 || len(list) != 1 || list[0].Project != "q" || list[0].ID != q.IDs[0] {
		t.Errorf("q has %v", list)
	}
	key := path.FlowKey{Src: path.Host(netip.MustParseAddr("10.0.0.1")), Dst: path.Host(netip.MustParseAddr("10.0.0.2"))}
	if n := r.Count([]connections.Flow{{Project: "p", Key: key}, {Project: "x", Key: key}}); n[0] != 1 || n[1] != 0 {
		t.Errorf("counted %v", n)
	}
	if _, total := r.List(connections.Query{Project: "q", Flow: &connections.Flow{Project: "p", Key: key}}, 0, -1); total != 0 {
		t.Error("a flow of one project shows connections to another")
	}
}

// One report that says the same thing twice is about one connection, and what
// it says last stands.
func TestTwiceInOneReport(t *testing.T) {
	disk := storetest.NewMemory()
	r := open(t, connections.Config{Store: disk})
	later := one(1)
	later.Source.User = "root"
	got := report(t, r, "p", one(1), one(2), later)
	if len(got.IDs) != 3 || got.IDs[0] != got.IDs[2] || got.Fresh != 2 || disk.Len(store.Connections) != 2 {
		t.Errorf("got %+v, %d records", got, disk.Len(store.Connections))
	}
	if list := all(r); len(list) != 2 || list[0].Source.User != "root" {
		t.Errorf("there are %d, the first of %s", len(list), list[0].Source.User)
	}
}

func TestLimits(t *testing.T) {
	clock, disk := newClock(), storetest.NewMemory()
	r := open(t, connections.Config{Store: disk, Now: clock.Now, PerProject: 2, Total: 3})
	full := func(project string, reports ...connections.Report) {
		t.Helper()
		before := all(r)
		_, err := r.Report(t.Context(), project, reports)
		if e, ok := errors.AsType[*connections.Error](err); !ok || e.Kind != connections.Full || e.Op != "report" {
			t.Errorf("error is %v", err)
		}
		if diff := cmp.Diff(before, all(r), equal); diff != "" {
			t.Error("a refused report changed something:", diff)
		}
	}
	full("p", one(1), one(2), one(3))
	report(t, r, "p", one(1), one(2), one(2))
	full("p", one(3))
	full("p", one(1), one(3))
	report(t, r, "p", one(1), one(2)) // known ones are always welcome
	report(t, r, "q", one(1))
	full("q", one(2))
	clock.advance(connections.DefaultKeep)
	report(t, r, "p", one(3), one(4))
	if n := r.Len(); n != 2 {
		t.Errorf("%d are live", n)
	}
}

// What the store refuses has not happened.
func TestStoreFails(t *testing.T) {
	clock, disk := newClock(), storetest.NewMemory()
	r := open(t, connections.Config{Store: disk, Now: clock.Now})
	report(t, r, "p", one(1))
	before := all(r)
	broken := errors.New("disk on fire")
	disk.Fail(broken)
	clock.advance(2 * time.Minute)
	_, err := r.Report(t.Context(), "p", []connections.Report{one(1), one(2)})
	if e, ok := errors.AsType[*connections.Error](err); !ok || e.Kind != connections.Internal || !errors.Is(err, broken) {
		t.Errorf("error is %v", err)
	}
	if diff := cmp.Diff(before, all(r), equal); diff != "" {
		t.Error(diff)
	}
	clock.advance(3 * time.Minute) // the refused one has not prolonged it
	if n := r.Len(); n != 0 {
		t.Errorf("%d are live", n)
	}
	if n, err := r.Sweep(t.Context()); n != 0 || !errors.Is(err, broken) {
		t.Errorf("swept %d, error %v", n, err)
	}
	disk.Fail(nil)
	if n, err := r.Sweep(t.Context()); n != 1 || err != nil || disk.Len(store.Connections) != 0 {
		t.Errorf("swept %d, error %v; %d left", n, err, disk.Len(store.Connections))
	}
}

// An acknowledged report is there after the process has died, in a real file,
// with the same UUID and in the same order.
func TestRestart(t *testing.T) {
	clock := newClock()
	file := filepath.Join(t.TempDir(), "conga.db")
	disk, err := store.OpenBolt(file)
	if err != nil {
		t.Fatal(err)
	}
	r := open(t, connections.Config{Store: disk, Now: clock.Now})
	report(t, r, "p", one(3), one(1))
	clock.advance(time.Minute)
	report(t, r, "q", one(2))
	clock.advance(time.Minute)
	moved := one(1)
	moved.Source.User = "root"
	report(t, r, "p", moved)
	before := all(r)
	if err := disk.Close(); err != nil {
		t.Fatal(err)
	}
	if disk, err = store.OpenBolt(file); err != nil {
		t.Fatal(err)
	}
	defer disk.Close()
	r = open(t, connections.Config{Store: disk, Now: clock.Now})
	after := all(r)
	if diff := cmp.Diff(before, after, equal, cmpopts.IgnoreFields(connections.Connection{}, "LastSeen")); diff != "" {
		t.Error(diff)
	}
	for i, c := range after {
		if late := c.LastSeen - before[i].LastSeen; late < 0 || late > 75 {
			t.Errorf("%s was seen %d s later than it was", c.ID, late)
		}
	}
	if again := report(t, r, "p", one(1), one(4)); again.IDs[0] != before[1].ID || again.Fresh != 1 {
		t.Errorf("again: %+v, want %s first", again, before[1].ID)
	}
	if list := all(r); len(list) != 4 || list[3].Source.Addr.Port() != 4 {
		t.Errorf("order of arrival is lost: %v", list)
	}
	for range 5 {
		report(t, r, "p", one(1))
		clock.advance(time.Minute)
	}
	if list := all(r); len(list) != 1 {
		t.Errorf("%d live, want only the one that was reported on", len(list))
	}
}

// A record that cannot be read costs itself only.
func TestDamagedRecords(t *testing.T) {
	clock, disk := newClock(), storetest.NewMemory()
	report(t, open(t, connections.Config{Store: disk, Now: clock.Now}), "p", one(1))
	good := ""
	_ = disk.Scan(t.Context(), store.Connections, func(_ string, value []byte) error { good = string(value); return nil })
	for key, value := range map[string]string{
		"nonsense": good, "0000000000000002": "{", "0000000000000003": `{"v":2}`, "0000000000000004": `{"v":1,"project":"p"}`,
		"0000000000000005": good, // a later record of the same connection takes the place of the first
	} {
		if err := disk.Commit(t.Context(), store.Op{Bucket: store.Connections, Key: key, Value: []byte(value)}); err != nil {
			t.Fatal(err)
		}
	}
	r := open(t, connections.Config{Store: disk, Now: clock.Now})
	if n := r.Len(); n != 1 {
		t.Errorf("%d are live, want 1", n)
	}
	if n, err := r.Sweep(t.Context()); n != 5 || err != nil || disk.Len(store.Connections) != 1 {
		t.Errorf("swept %d, error %v", n, err)
	}
}

func TestOpenRefuses(t *testing.T) {
	disk := storetest.NewMemory()
	for _, cfg := range []connections.Config{{}, {Store: disk, Keep: time.Millisecond}, {Store: disk, PerProject: -1}, {Store: disk, Total: -1}} {
		if _, err := connections.Open(t.Context(), cfg); err == nil {
			t.Errorf("%+v was taken", cfg)
		}
	}
	_ = disk.Close()
	if _, err := connections.Open(t.Context(), connections.Config{Store: disk}); !errors.Is(err, store.ErrClosed) {
		t.Errorf("error is %v", err)
	}
}

func TestGet(t *testing.T) {
	r := open(t, connections.Config{Store: storetest.NewMemory()})
	id := report(t, r, "p", one(1)).IDs[0].String()
	if c, err := r.Get(id); err != nil || c.ID.String() != id {
		t.Errorf("%v, %v", c, err)
	}
	for _, other := range []string{"", "x", uuid.NewString(), "urn:uuid:" + id, "{" + id + "}", id + " "} {
		if _, err := r.Get(other); !isNotFound(err) {
			t.Errorf("%q: error is %v", other, err)
		}
	}
}

func isNotFound(err error) bool {
	e, ok := errors.AsType[*connections.Error](err)
	return ok && e.Kind == connections.NotFound
}

// A connection that expired and was reported again before the next sweep has
// two records. The later one counts after a restart.
func TestRestartBeforeTheSweep(t *testing.T) {
	clock, disk := newClock(), storetest.NewMemory()
	cfg := connections.Config{Store: disk, Now: clock.Now, Keep: time.Minute}
	r := open(t, cfg)
	report(t, r, "p", one(1))
	clock.advance(time.Minute)
	report(t, r, "p", one(2), one(1))
	before := all(r)
	if disk.Len(store.Connections) != 3 {
		t.Fatalf("%d records", disk.Len(store.Connections))
	}
	r = open(t, cfg)
	if diff := cmp.Diff(before, all(r), equal); diff != "" {
		t.Error(diff)
	}
	if n, err := r.Sweep(t.Context()); n != 1 || err != nil {
		t.Errorf("swept %d, %v", n, err)
	}
}
