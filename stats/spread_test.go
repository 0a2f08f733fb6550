package stats

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"conga/controller/topology"
	"conga/openflow"
)

func switches(n int) *topology.Snapshot {
	s := &topology.Snapshot{Switches: map[openflow.DPID]topology.Switch{}}
	for i := range n {
		s.Switches[openflow.DPID(i+1)] = topology.Switch{DPID: openflow.DPID(i + 1), Connected: true}
	}
	return s
}

// However many switches there are and whichever go, each is due once an
// interval, always at the same time of it, and no part of it has much more than
// its share.
func TestSwitchesAreSpread(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		now := time.Unix(1000, 0)
		r := newRoster(5*time.Second, now)
		n := rapid.IntRange(1, 3000).Draw(t, "switches")
		some := switches(rapid.IntRange(0, n).Draw(t, "of which came first"))
		r.follow(some)
		all := switches(n)
		r.follow(all)
		for i := range slots {
			if most := n/slots + 4; len(r.slot[i]) > most {
				t.Fatalf("%d of %d switches are in slot %d", len(r.slot[i]), n, i)
			}
		}
		times := map[openflow.DPID]int{}
		steps := rapid.SliceOfN(rapid.IntRange(0, 400), 1, 30).Draw(t, "ms between looks")
		for range 3 {
			for _, ms := range steps {
				now = now.Add(time.Duration(ms) * time.Millisecond)
				r.due(now, func(d openflow.DPID) { times[d]++ })
			}
		}
		rounds := int(now.Sub(time.Unix(1000, 0)) / (5 * time.Second))
		for dpid := range all.Switches {
			if k := times[dpid]; k < rounds || k > rounds+1 {
				t.Fatalf("switch %v was due %d times in %d intervals", dpid, k, rounds)
			}
		}
		r.follow(switches(0))
		for i := range slots {
			if len(r.slot[i])+len(r.of) > 0 {
				t.Fatal("switches that went are known still")
			}
		}
	})
}

// After a pause each switch is due once, not once for each interval missed.
func TestWhatIsLateIsNotDoubled(t *testing.T) {
	now := time.Unix(1000, 0)
	r := newRoster(5*time.Second, now)
	r.follow(switches(100))
	n := 0
	r.due(now.Add(time.Hour), func(openflow.DPID) { n++ })
	if n != 100 {
		t.Errorf("%d of 100 switches are due", n)
	}
}

// Tables of many switches that have many are looked at less often, and tell of
// when; those of a few every time.
func TestTablesAreBounded(t *testing.T) {
	for _, c := range []struct {
		switches int
		every    time.Duration
	}{{100, 5 * time.Second}, {1024, 30 * time.Second}} {
		synctest.Test(t, func(t *testing.T) {
			src := &plain{manySwitches: manySwitches{snap: switches(c.switches)}}
			p, err := New(t.Context(), Config{Source: src})
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan error)
			go func() { done <- p.Run(ctx) }()
			for range 24 {
				time.Sleep(5 * time.Second)
				synctest.Wait()
				r, _ := p.Switch(src.snap.Switches[1])
				if old := time.Since(r.TablesAt); old > c.every || len(r.Tables) != 254 {
					t.Errorf("%d switches: %d tables %v ago", c.switches, len(r.Tables), old)
				}
			}
			cancel()
			<-done
			if rounds := int(2*time.Minute/c.every) + 1; src.rows > c.switches*rounds || src.rows < c.switches*(rounds-2) {
				t.Errorf("%d switches were asked for their tables %d times in 2 min", c.switches, src.rows)
			}
			if p.tableCount != 254*c.switches {
				t.Errorf("%d tables are counted", p.tableCount)
			}
		})
	}
}

// manySwitches is a network of many switches that counts what it is asked.
type manySwitches struct {
	snap *topology.Snapshot

	mu        sync.Mutex
	questions map[openflow.MultipartType]int
	now, most int // being answered at the same time
	at        map[openflow.DPID]time.Time
	slow      time.Duration
	mute      openflow.DPID // those up to this one answer nothing
}

func (c *manySwitches) Snapshot() *topology.Snapshot { return c.snap }

func (c *manySwitches) AskAll(ctx context.Context, dpid openflow.DPID, questions ...*openflow.MultipartRequest) ([]openflow.MultipartReplyBody, error) {
	c.mu.Lock()
	if dpid <= c.mute {
		c.mu.Unlock()
		<-ctx.Done()
		return nil, ctx.Err()
	}
	c.now++
	c.most = max(c.most, c.now)
	c.at[dpid] = time.Now()
	for _, q := range questions {
		c.questions[q.MPType]++
	}
	c.mu.Unlock()
	time.Sleep(c.slow)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now--
	return make([]openflow.MultipartReplyBody, len(questions)), nil
}

// An idle network of 1,024 switches is asked for ports, tables and meters once
// an interval each, for no flow entries, a few at a time and all the time.
func TestRoundOfAnIdleNetwork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n = 1024
		c := &manySwitches{snap: switches(n), questions: map[openflow.MultipartType]int{}, at: map[openflow.DPID]time.Time{}, slow: 10 * time.Millisecond}
		p, err := New(t.Context(), Config{Source: c})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		begun := time.Now()
		go func() { done <- p.Run(ctx) }()
		time.Sleep(2*DefaultInterval - time.Millisecond)
		synctest.Wait()
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		for _, mt := range []openflow.MultipartType{openflow.MultipartPortStats, openflow.MultipartTable, openflow.MultipartMeter} {
			if c.questions[mt] != 2*n {
				t.Errorf("%d questions of type %v in two rounds of %d switches", c.questions[mt], mt, n)
			}
		}
		if k := c.questions[openflow.MultipartFlow]; k != 0 {
			t.Errorf("%d questions for flow entries", k)
		}
		if c.most > atOnce {
			t.Errorf("%d switches were asked at the same time", c.most)
		}
		perStep := map[time.Duration]int{}
		for _, at := range c.at {
			perStep[at.Sub(begun)/(100*time.Millisecond)]++
		}
		for step, k := range perStep {
			if k > n/slots+4 {
				t.Errorf("%d switches were asked within step %d", k, step)
			}
		}
		if len(p.samples) != n {
			t.Errorf("%d samples", len(p.samples))
		}
	})
}

// Switches that answer are asked as often beside hundreds that do not as
// without them, once it is known which these are.
func TestSilentSwitchesHoldUpNoOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n, mute, rounds = 1024, 400, 12
		c := &manySwitches{snap: switches(n), questions: map[openflow.MultipartType]int{}, at: map[openflow.DPID]time.Time{}, slow: 5 * time.Millisecond, mute: mute}
		p, err := New(t.Context(), Config{Source: c})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- p.Run(ctx) }()
		time.Sleep(time.Minute)
		c.mu.Lock()
		clear(c.questions)
		c.mu.Unlock()
		time.Sleep(rounds * DefaultInterval)
		synctest.Wait()
		cancel()
		<-done
		if got, want := c.questions[openflow.MultipartPortStats], rounds*(n-mute); got < want*9/10 {
			t.Errorf("%d switches that answer were asked %d times in %d rounds", n-mute, got, rounds)
		}
		for dpid, at := range c.at {
			if old := time.Since(at); old > 2*DefaultInterval {
				t.Errorf("switch %v was asked %v ago", dpid, old)
			}
		}
	})
}

// While the network is busy no switch is asked, but for half an interval at
// most; then each is asked once.
func TestBusyNetworkIsAskedLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := &manySwitches{snap: switches(100), questions: map[openflow.MultipartType]int{}, at: map[openflow.DPID]time.Time{}}
		var busy atomic.Bool
		p, err := New(t.Context(), Config{Source: src, Busy: busy.Load})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- p.Run(ctx) }()
		asked := func() int {
			synctest.Wait()
			src.mu.Lock()
			defer src.mu.Unlock()
			return src.questions[openflow.MultipartPortStats]
		}
		time.Sleep(DefaultInterval)
		before := asked()
		busy.Store(true)
		time.Sleep(DefaultInterval/2 - DefaultInterval/slots)
		if n := asked() - before; n > 100/slots+4 {
			t.Errorf("%d switches were asked while the network was busy", n)
		}
		busy.Store(false)
		time.Sleep(DefaultInterval / 2)
		if n := asked() - before; n < 90 || n > 110 {
			t.Errorf("100 switches were asked %d times within an interval", n)
		}
		busy.Store(true)
		time.Sleep(2 * DefaultInterval)
		if n := asked() - before; n < 250 {
			t.Errorf("of a network that is always busy 100 switches were asked %d times in three intervals", n)
		}
		cancel()
		<-done
	})
}
