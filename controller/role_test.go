package controller

import (
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"conga/bitrate"
	"conga/controller/path"
	"conga/controller/purpose"
	"conga/controller/topology"
	"conga/openflow"
	"conga/openflow/channel"
	"conga/openflow/ofswitch"
)

// What must hold when a switch has another controller.

// another starts a second controller, to which the switches connect as well.
func (l *lab) another(cfg Config) *lab {
	l.Helper()
	p := newPipes()
	b := launchOn(l.T, l.net, cfg, p)
	b.pipes = p
	for _, sw := range l.net.Switches() {
		go func() {
			for l.Context().Err() == nil {
				nc, err := p.dial(l.Context(), "")
				if err != nil {
					return
				}
				_ = sw.Serve(nc)
				select {
				case <-time.After(50 * time.Millisecond):
				case <-l.Context().Done():
				}
			}
		}()
	}
	return b
}

// roles returns what each switch has told its controller to be.
func (l *lab) roles() (out []openflow.Role) {
	for _, sw := range l.net.Switches() {
		out = append(out, l.Snapshot().Switches[sw.DPID()].Role)
	}
	return out
}

func (l *lab) allAre(r openflow.Role) bool {
	return !slices.ContainsFunc(l.roles(), func(is openflow.Role) bool { return is != r })
}

// mods returns how many messages that change them the switches have had.
func (l *lab) mods() (n uint64) {
	for _, sw := range l.net.Switches() {
		n += sw.Counters().FlowMods
	}
	return n
}

// A second daemon with the same switches stands back for as long as the first
// is there, changes nothing and says why, and takes over when the first has
// gone.
func TestSecondControllerStandsBack(t *testing.T) {
	inBubble(t, pair, Config{Instance: 7}, secondStandsBack)
}

func secondStandsBack(l *lab) {
	l.settled(2, 1)
	l.pingAll()
	l.acquainted()
	c := l.circuit("a", 7, "h1", "h2", 40*bitrate.Mbps)
	if err := l.install(c); err != nil {
		l.Fatal(err)
	}
	if !l.allAre(openflow.RoleMaster) {
		l.Fatalf("the only controller is %v", l.roles())
	}
	before := l.mods()
	var log warnings
	b := l.another(Config{Instance: 9, Log: slog.New(&log)})
	b.until("the second controller to stand back", func(*topology.Snapshot) bool { return b.allAre(openflow.RoleSlave) })
	if says := b.Snapshot().Switches[1]; says.Connected || !slices.Equal(says.Limitations, []string{"Another controller is its master, so CONGA changes nothing there."}) {
		l.Errorf("the second says %+v", says)
	}
	err := b.install(c)
	if err == nil || !strings.Contains(err.Error(), "switch 0000000000000001 has another controller as its master") {
		l.Errorf("an allocation of the second: %v", err)
	}
	if err := b.Remove(l.Context(), "a"); err != nil {
		l.Error(err)
	}
	time.Sleep(10 * time.Minute)
	if got := l.send("h1", "h2", 1000); got.Packets != 1000 {
		l.Errorf("%d of 1,000 packets of the first one's allocation arrived", got.Packets)
	}
	if n := l.mods() - before; n != 0 {
		l.Errorf("the second controller cost %d flow mods", n)
	}
	if n := log.count("another controller is master of the switch; nothing is changed there until it has gone"); n != 2 {
		l.Errorf("of 2 switches with another master the log tells %d times", n)
	}
	if !l.allAre(openflow.RoleMaster) || !b.allAre(openflow.RoleSlave) {
		l.Errorf("after ten minutes the first is %v, the second %v", l.roles(), b.roles())
	}

	l.stop()
	gone := time.Now()
	time.Sleep(watchFor - renewEvery)
	b.until("the second controller to take over", func(*topology.Snapshot) bool { return b.allAre(openflow.RoleMaster) })
	if took := time.Since(gone); took < watchFor-renewEvery || took > watchFor+2*renewEvery {
		l.Errorf("the second took over after %v", took)
	}
	b.settled(2, 1)
	if n := b.holders(7); len(n) != 0 {
		l.Errorf("the second one's switches hold entries of the first: %v", n)
	}

	// And the first one stands back when it returns.
	l = l.again(Config{Instance: 7})
	l.until("the first controller to stand back", func(*topology.Snapshot) bool { return l.allAre(openflow.RoleSlave) })
	time.Sleep(2 * watchMost)
	if !l.allAre(openflow.RoleSlave) || !b.allAre(openflow.RoleMaster) {
		l.Errorf("an hour later the first is %v, the second %v", l.roles(), b.roles())
	}
}

// A restarted daemon has its switches back at once, also with a clock that was
// set back.
func TestRestartedControllerIsNotStale(t *testing.T) {
	inBubble(t, pair, Config{Instance: 7}, func(l *lab) {
		l.settled(2, 1)
		for _, sw := range l.net.Switches() { // as if by a clock that was a day ahead
			usurp(l, sw, uint64(time.Now().Add(24*time.Hour).UnixMilli())<<instanceBits|7)
		}
		l.stop()
		began := time.Now()
		l = l.again(Config{Instance: 7})
		l.until("the restarted controller to be master", func(*topology.Snapshot) bool { return l.allAre(openflow.RoleMaster) })
		if took := time.Since(began); took > 2*time.Second {
			l.Errorf("that took %v", took)
		}
	})
}

// usurp has another controller become a switch's master for a moment. It
// returns what the switch answered.
func usurp(l *lab, sw *ofswitch.Switch, generation uint64) (role openflow.Role) {
	l.Helper()
	peer := dialIn(l, sw)
	defer peer.Close()
	return peer.become(generation)
}

// A controller that wants to be master as well does not get into a fight: one
// that loses the switch stops at once, says so, and asks again later and later.
func TestControllersDoNotFight(t *testing.T) {
	var log warnings
	inBubble(t, pair, Config{Instance: 7, Log: slog.New(&log)}, func(l *lab) { doNotFight(l, &log) })
}

func doNotFight(l *lab, log *warnings) {
	l.settled(2, 1)
	l.pingAll()
	c := l.circuit("a", 7, "h1", "h2", 40*bitrate.Mbps)
	if err := l.install(c); err != nil {
		l.Fatal(err)
	}
	sw := l.net.Switch(1)
	other := dialIn(l, sw)
	defer other.Close()
	var lost []time.Duration // how long it took until this controller was master again
	for range 8 {
		took := time.Now()
		other.become(noGeneration)
		if len(lost) == 0 {
			l.until("this controller to have noticed", func(s *topology.Snapshot) bool { return s.Switches[1].Role == openflow.RoleSlave })
			if d := time.Since(took); d > renewEvery+time.Second {
				l.Errorf("noticed after %v", d)
			}
			if err := l.install(c); err == nil {
				l.Error("an allocation is confirmed by a switch that another controller has")
			}
			before := sw.Counters().FlowMods
			time.Sleep(20 * time.Second)
			if n := sw.Counters().FlowMods - before; n != 0 {
				l.Errorf("%d flow mods to a switch of another controller", n)
			}
		}
		for deadline := time.Now().Add(2 * time.Hour); l.Snapshot().Switches[1].Role != openflow.RoleMaster || other.role() == openflow.RoleMaster; {
			if time.Now().After(deadline) {
				l.Fatalf("not master again within two hours; before it took %v", lost)
			}
			time.Sleep(time.Second)
		}
		lost = append(lost, time.Since(took))
	}
	for i, d := range lost {
		if i > 0 && d < lost[i-1]*3/2 && d < watchMost {
			l.Errorf("it asked again after %v: not later and later", lost)
			break
		}
	}
	if lost[0] < 2*watchFor || lost[len(lost)-1] > watchMost+time.Minute {
		l.Errorf("it asked again after %v", lost)
	}
	l.settled(2, 1)
	if err := l.install(c); err != nil {
		l.Errorf("the allocation does not come back: %v", err)
	}
	if n := log.count("switch reports an error"); n != 0 {
		l.Errorf("%d errors of probes to another controller's switch are in the log", n)
	}
}

// A switch without roles works, be it that it refuses the question or that it
// does not answer.
func TestSwitchWithoutRoles(t *testing.T) {
	for name, faults := range map[string]ofswitch.Faults{
		"refuses": {Reject: func(_ int, m openflow.Message) *openflow.Error {
			if m.Type() == openflow.TypeRoleRequest {
				return &openflow.Error{ErrType: openflow.ErrorTypeBadRequest, Code: uint16(openflow.BadRequestBadType)}
			}
			return nil
		}},
		"does not support them": {Reject: func(_ int, m openflow.Message) *openflow.Error {
			if m.Type() == openflow.TypeRoleRequest {
				return &openflow.Error{ErrType: openflow.ErrorTypeRoleRequestFailed, Code: uint16(openflow.RoleRequestFailedUnsup)}
			}
			return nil
		}},
		"is silent": {Lose: ofswitch.LoseType(openflow.TypeRoleReply)},
	} {
		t.Run(name, func(t *testing.T) {
			build := func(c ofswitch.TopologyConfig) *ofswitch.Network {
				n := pair(c)
				n.Switch(1).SetFaults(faults)
				return n
			}
			inBubble(t, build, Config{Instance: 7}, func(l *lab) {
				l.settled(2, 1)
				l.pingAll()
				if got := l.roles(); !slices.Equal(got, []openflow.Role{openflow.RoleEqual, openflow.RoleMaster}) {
					l.Errorf("the controller is %v", got)
				}
				c := l.circuit("a", 7, "h1", "h2", 40*bitrate.Mbps)
				if err := l.install(c); err != nil {
					l.Error(err)
				}
			})
		})
	}
}

// A controller that is equal does not take the master's role, and a master
// takes nothing from one that is equal.
func TestEqualController(t *testing.T) {
	inBubble(t, pair, Config{Role: openflow.RoleEqual}, func(l *lab) {
		l.settled(2, 1)
		other := dialIn(l, l.net.Switch(1))
		defer other.Close()
		other.become(1)
		time.Sleep(time.Minute)
		if other.role() != openflow.RoleMaster || !l.allAre(openflow.RoleEqual) {
			l.Errorf("the other one is %v, this one %v", other.role(), l.roles())
		}
		l.pingAll()
		synctest.Wait()
	})
}

func TestGenerationAfter(t *testing.T) {
	now := time.UnixMilli(1 << 40)
	for _, c := range []struct{ last, want uint64 }{
		{noGeneration, 1<<52 | 5}, {0, 1<<52 | 5}, {1<<52 | 4, 1<<52 | 5},
		{1<<52 | 5, 1<<52 + 1<<12 | 5}, {1<<52 | 6, 1<<52 + 1<<12 | 5}, {1<<60 | 9, 1<<60 + 1<<12 | 5},
	} {
		got := generationAfter(c.last, 5, now)
		if got != c.want {
			t.Errorf("after %#x comes %#x, want %#x", c.last, got, c.want)
		}
		if c.last != noGeneration && int64(got-c.last) <= 0 || instanceOf(got) != 5 {
			t.Errorf("%#x after %#x is stale, or of instance %d", got, c.last, instanceOf(got))
		}
	}
}

// rivalPeer is another controller's connection to a switch.
type rivalPeer struct {
	*lab
	conn     *channel.Conn
	listener *channel.Listener
}

// dialIn connects another controller to a switch.
func dialIn(l *lab, sw *ofswitch.Switch) *rivalPeer {
	l.Helper()
	p := newPipes()
	ln := channel.NewListener(p, channel.Config{})
	go func() {
		if nc, err := p.dial(l.Context(), ""); err == nil {
			_ = sw.Serve(nc)
		}
	}()
	conn, err := ln.Accept(l.Context())
	if err != nil {
		l.Fatal(err)
	}
	conn.Start(func(openflow.Header, openflow.Message) {})
	return &rivalPeer{l, conn, ln}
}

// Close ends the connection.
func (r *rivalPeer) Close() {
	r.conn.Close()
	r.listener.Close()
}

func (r *rivalPeer) ask(role openflow.Role, generation uint64) *openflow.RoleReply {
	r.Helper()
	m, err := r.conn.Request(r.Context(), &openflow.RoleRequest{Role: role, GenerationID: generation})
	if err != nil {
		r.Fatal(err)
	}
	return m.(*openflow.RoleReply)
}

func (r *rivalPeer) role() openflow.Role { return r.ask(openflow.RoleNoChange, 0).Role }

// become asks to be master with a generation ID, or with the one after the last
// if that is noGeneration.
func (r *rivalPeer) become(generation uint64) openflow.Role {
	if generation == noGeneration {
		generation = r.ask(openflow.RoleNoChange, 0).GenerationID + 1
	}
	return r.ask(openflow.RoleMaster, generation).Role
}

// Where the switch does not say which controller is master, the second one
// finds the entries of the first and stands back until they are gone.
func TestSecondEqualControllerStandsBack(t *testing.T) {
	const first, second = 0x03f, 0x0fc
	inBubble(t, pair, Config{Role: openflow.RoleEqual, Instance: first}, func(l *lab) {
		l.settledTrunks(2, 1)
		l.pingAll()
		c := l.circuit("a", 7, "h1", "h2", 40*bitrate.Mbps)
		if err := l.install(c); err != nil {
			l.Fatal(err)
		}
		time.Sleep(time.Minute)
		before := l.mods()
		b := l.another(Config{Role: openflow.RoleEqual, Instance: second})
		b.until("the second controller to stand back", func(s *topology.Snapshot) bool {
			says := s.Switches[1].Limitations
			return len(says) == 1 && strings.HasPrefix(says[0], "It holds entries of another CONGA (number 63)")
		})
		time.Sleep(10 * time.Minute)
		if n := l.mods() - before; n != 0 {
			l.Errorf("the second controller cost %d flow mods", n)
		}
		if got := l.send("h1", "h2", 1000); got.Packets != 1000 {
			l.Errorf("%d of 1,000 packets of the first one's allocation arrived", got.Packets)
		}
		if !b.allAre(openflow.RoleSlave) || !l.allAre(openflow.RoleEqual) {
			l.Errorf("the first is %v, the second %v", l.roles(), b.roles())
		}
		// The first one's restart changes nothing; without it, and its entries,
		// the second has the switches.
		l.stop()
		l = l.again(Config{Role: openflow.RoleEqual, Instance: first}, c)
		l.settledTrunks(2, 1)
		if err := l.install(c); err != nil {
			l.Error(err)
		}
		l.stop()
		for _, sw := range l.net.Switches() {
			_ = sw.Apply(&openflow.FlowMod{Command: openflow.FlowDelete, Table: openflow.TableAll, BufferID: openflow.NoBuffer, OutPort: openflow.PortAny, OutGroup: openflow.GroupAny})
		}
		time.Sleep(lookEvery)
		b.until("the second controller to have the switches", func(*topology.Snapshot) bool { return b.allAre(openflow.RoleEqual) })
	})
}

// What an older version has put into a switch, without a number, is kept, and
// so is what this one has put there; a master takes over what others have left.
func TestEntriesOfEarlierControllers(t *testing.T) {
	inBubble(t, pair, Config{}, func(l *lab) {
		l.settled(2, 1)
		l.pingAll()
		l.acquainted()
		c := l.circuit("a", 7, "h1", "h2", 40*bitrate.Mbps)
		if err := l.install(c); err != nil {
			l.Fatal(err)
		}
		wanted := []path.Circuit{c}
		for i, k := range []struct {
			instance uint16
			rewrites bool
		}{{0x03f, false}, {0x03f, false}, {0x0fc, true}, {0x0fc, false}} {
			saved := l.builderSaved()
			l.stop()
			before := l.mods()
			keep := &keeper{}
			_ = keep.Save(topology.SavedChange{Saved: saved})
			l = l.again(Config{Instance: k.instance, SavedNetwork: keep}, wanted...)
			time.Sleep(2 * watchFor)
			l.settledTrunks(2, 1)
			if err := l.install(c); err != nil {
				l.Fatal(err)
			}
			time.Sleep(time.Minute)
			if n := l.mods() - before; n != 0 != k.rewrites {
				l.Errorf("number %#x: %d flow mods", k.instance, n)
			}
			if got := l.send("h1", "h2", 100); got.Packets != 100 {
				l.Errorf("number %#x: %d of 100 packets arrived", k.instance, got.Packets)
			}
			if i == 0 { // something that has a number
				d := c
				d.ID, d.Handle, d.Key.Proto = "b", 8, path.ProtoUDP
				if err := l.install(d); err != nil {
					l.Fatal(err)
				}
				wanted = append(wanted, d)
			}
		}
		for _, x := range wanted {
			if err := l.Remove(l.Context(), x.ID); err != nil {
				l.Error(err)
			}
		}
		for _, sw := range l.net.Switches() {
			for _, f := range sw.Flows(openflow.TableAll) {
				if kind, _ := purpose.ReadCookie(f.Cookie); kind == purpose.Allocation || purpose.InstanceOf(f.Cookie) == 0x03f {
					l.Errorf("left is %v", f)
				}
			}
		}
	})
}

// builderSaved returns what the controller would save of the network.
func (l *lab) builderSaved() (saved topology.Saved) {
	done := make(chan struct{})
	l.post(l.Context(), inspect(func(k *core) { saved = k.builder.Saved(); close(done) }))
	<-done
	return saved
}

// However many switches say that another controller is their master, something
// is known of so many.
func TestTenuresAreBounded(t *testing.T) {
	k := tenures{of: map[openflow.DPID]*tenure{}}
	for dpid := range openflow.DPID(mostTenures + 100) {
		k.update(dpid, func(t *tenure) { t.reported = true })
	}
	k.update(mostTenures+99, func(t *tenure) { t.reported = t.reported && t.watch == 0 })
	if n := len(k.of); n != mostTenures || !k.of[mostTenures+99].reported {
		t.Errorf("of %d switches something is kept, want %d, the last among them", n, mostTenures)
	}
}
