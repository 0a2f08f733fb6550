package controller

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"conga/bitrate"
	"conga/controller/path"
	"conga/controller/purpose"
	"conga/controller/topology"
	"conga/openflow"
	"conga/openflow/ofswitch"
)

// What must hold where a table has no room for all that is wanted.

// many returns circuits from a host to addresses behind another one, in the
// order in which they were asked for.
func many(l *lab, n int) (list []path.Circuit) {
	l.Helper()
	base := l.circuit("", 0, "h1", "h2", bitrate.Mbps)
	for i := range n {
		c := base
		c.ID, c.Handle = fmt.Sprintf("c%02d", i), uint32(100+i)
		c.Key.Dst = path.Host(netip.AddrFrom4([4]byte{10, 9, 0, byte(i)}))
		list = append(list, c)
	}
	return list
}

// narrow limits the entries of switches to so many in a table.
func narrow(most int) func(ofswitch.TopologyConfig) *ofswitch.Network {
	return func(c ofswitch.TopologyConfig) *ofswitch.Network {
		c.Switch.MaxEntries = most
		return pair(c)
	}
}

// whole returns how many circuits are held in whole, and in part.
func whole(l *lab, list []path.Circuit) (in, part int) {
	for _, c := range list {
		held := l.holders(c.Handle)
		switch {
		case len(held) == 2 && held[1] == each && held[2] == each:
			in++
		case len(held) != 0:
			part++
		}
	}
	return in, part
}

// each is how many entries a circuit for all traffic has in a switch.
const each = 2

// Circuits that find no room leave nothing behind and say why; those that were
// there first stay, also at a restart, and another attempt finds room that has
// come free.
func TestFullTable(t *testing.T) {
	k := &keeper{}
	inBubble(t, narrow(40), Config{SavedNetwork: k, Instance: 7}, func(l *lab) { fullTable(l, k) })
}

func fullTable(l *lab, k *keeper) {
	l.settled(2, 1)
	l.pingAll()
	l.acquainted()
	list := many(l, 30)
	room := 0
	for i, c := range list {
		switch err := l.install(c); {
		case err == nil && room == i:
			room++
		case err == nil:
			l.Errorf("circuit %d finds room, though %d did not", i, room)
		case err.Error() != "the flow table of switch 0000000000000001 is full" && err.Error() != "the flow table of switch 0000000000000002 is full":
			l.Errorf("circuit %d: %v", i, err)
		}
	}
	settled := func(l *lab, when string) {
		l.Helper()
		l.until(when+", that halves are gone", func(*topology.Snapshot) bool { _, part := whole(l, list); return part == 0 })
		if in, _ := whole(l, list); in != room {
			l.Errorf("%s %d circuits are whole, want %d", when, in, room)
		}
	}
	if room < 10 || room > 18 {
		l.Fatalf("room for %d circuits of %d entries each in 40", room, each)
	}
	settled(l, "at first")
	l.until("the switch to say that its table is full", func(s *topology.Snapshot) bool {
		return slices.ContainsFunc(s.Switches[1].Limitations, func(says string) bool { return strings.Contains(says, "flow table is full") })
	})
	time.Sleep(time.Minute)
	settled(l, "after a minute")

	// A restart with switches that are empty: the first ones have the room.
	l.stop()
	for _, sw := range l.net.Switches() {
		_ = sw.Apply(&openflow.FlowMod{Command: openflow.FlowDelete, Table: openflow.TableAll, BufferID: openflow.NoBuffer, OutPort: openflow.PortAny, OutGroup: openflow.GroupAny})
	}
	l = l.again(Config{SavedNetwork: k, Instance: 7}, list...)
	l.settledTrunks(2, 1)
	before := room // best effort may have had more then
	room = 0
	for i, c := range list {
		if err := l.install(c); err == nil && room == i {
			room++
		} else if err == nil {
			l.Errorf("after the restart circuit %d finds room, though %d did not", i, room)
		}
	}
	if room < before {
		l.Errorf("room for %d circuits after the restart, %d before", room, before)
	}
	settled(l, "after the restart")
	if err := l.Remove(l.Context(), list[3].ID); err != nil {
		l.Error(err)
	}
	if err := l.install(list[room]); err != nil {
		l.Errorf("with room for one more: %v", err)
	}
	settled(l, "with another in place of one")
}

// settledTrunks waits until links are known and the allocations are confirmed
// or refused; best effort may have no room.
func (l *lab) settledTrunks(switches, cables int) {
	l.Helper()
	l.until("switches and links to be known", func(s *topology.Snapshot) bool {
		return len(s.Switches) == switches && len(s.Links) == 2*cables
	})
}

// A switch that comes back with less room loses whole circuits, the last ones,
// and they are named.
func TestTableShrinks(t *testing.T) {
	inBubble(t, pair, Config{}, func(l *lab) {
		l.settled(2, 1)
		l.pingAll()
		l.acquainted()
		list := many(l, 10)
		for _, c := range list {
			if err := l.install(c); err != nil {
				l.Fatal(err)
			}
		}
		full := openflow.Error{ErrType: openflow.ErrorTypeFlowModFailed, Code: uint16(openflow.FlowModFailedTableFull)}
		sw := l.net.Switch(2)
		sw.Disconnect()
		_ = sw.Apply(&openflow.FlowMod{Command: openflow.FlowDelete, Table: openflow.TableAll, BufferID: openflow.NoBuffer, OutPort: openflow.PortAny, OutGroup: openflow.GroupAny})
		added := 0
		sw.SetFaults(ofswitch.Faults{Reject: func(_ int, m openflow.Message) *openflow.Error {
			fm, ok := m.(*openflow.FlowMod)
			if kind, _ := purpose.ReadCookie(cookieOf(fm)); !ok || kind != purpose.Allocation || fm.Command != openflow.FlowAdd {
				return nil
			}
			if added++; added > 9 {
				return &full
			}
			return nil
		}})
		var lost []string
		l.until("what finds no room to be named", func(*topology.Snapshot) bool {
			lost = append(lost, l.Lost()...)
			return len(lost) >= 6
		})
		slices.Sort(lost)
		if len(slices.Compact(slices.Clone(lost))) != len(lost) || lost[0] < "c03" || lost[len(lost)-1] != "c09" {
			l.Errorf("lost are %v", lost)
		}
		l.until("halves to be gone", func(*topology.Snapshot) bool { _, part := whole(l, list); return part == 0 })
		if in, _ := whole(l, list); in != 10-len(lost) {
			l.Errorf("%d circuits are whole, %d lost", in, len(lost))
		}
	})
}

func cookieOf(fm *openflow.FlowMod) openflow.Cookie {
	if fm == nil {
		return 0
	}
	return fm.Cookie
}

// What is new does not take the room of what was there before the switch
// connected, though it was asked for first.
func TestNewCircuitsComeLast(t *testing.T) {
	inBubble(t, pair, Config{}, func(l *lab) {
		l.settled(2, 1)
		l.pingAll()
		l.acquainted()
		list := many(l, 2)
		early, active := list[0], list[1]
		if err := l.install(active); err != nil {
			l.Fatal(err)
		}
		full := openflow.Error{ErrType: openflow.ErrorTypeFlowModFailed, Code: uint16(openflow.FlowModFailedTableFull)}
		sw := l.net.Switch(2)
		_ = sw.Apply(&openflow.FlowMod{Command: openflow.FlowDelete, Table: openflow.TableAll, BufferID: openflow.NoBuffer, OutPort: openflow.PortAny, OutGroup: openflow.GroupAny})
		var order []uint64
		sw.SetFaults(ofswitch.Faults{Delay: ofswitch.DelayType(openflow.TypeBarrierReply, time.Second), Reject: func(_ int, m openflow.Message) *openflow.Error {
			fm, ok := m.(*openflow.FlowMod)
			kind, owner := purpose.ReadCookie(cookieOf(fm))
			if !ok || kind != purpose.Allocation || fm.Command != openflow.FlowAdd {
				return nil
			}
			if order = append(order, owner); len(order) > 2 {
				return &full
			}
			return nil
		}})
		sw.Disconnect()
		l.until("the switch to be back", func(s *topology.Snapshot) bool { return !s.Switches[2].Connected })
		l.until("the switch to be back", func(s *topology.Snapshot) bool { return s.Switches[2].Connected })
		ctx, cancel := context.WithTimeout(l.Context(), patience)
		defer cancel()
		if err := l.Install(ctx, early); err == nil || errors.Is(err, context.DeadlineExceeded) {
			l.Errorf("the new one is confirmed, or nothing is said of it: %v", err)
		}
		if in, part := whole(l, []path.Circuit{active}); in != 1 || part != 0 {
			l.Errorf("of the active one %v is held; the order was %v", l.holders(active.Handle), order)
		}
	})
}

// Where there is no room for a corner the circuit that came first stays, and
// the one that came later, for which the corner is needed, does not get in.
func TestNoRoomForACorner(t *testing.T) {
	inBubble(t, pair, Config{}, func(l *lab) {
		l.settled(2, 1)
		l.pingAll()
		l.acquainted()
		first := l.circuit("first", 1, "h1", "h2", bitrate.Mbps)
		first.Key.Proto, first.Key.SrcPort = path.ProtoTCP, path.Port(1000)
		if err := l.install(first); err != nil {
			l.Fatal(err)
		}
		held := l.holders(first.Handle)
		sw := l.net.Switch(2)
		sw.SetFaults(ofswitch.Faults{Reject: func(_ int, m openflow.Message) *openflow.Error {
			fm, ok := m.(*openflow.FlowMod)
			if kind, owner := purpose.ReadCookie(cookieOf(fm)); !ok || kind != purpose.Allocation || owner != uint64(first.Handle) || fm.Command != openflow.FlowAdd {
				return nil
			}
			return &openflow.Error{ErrType: openflow.ErrorTypeFlowModFailed, Code: uint16(openflow.FlowModFailedTableFull)}
		}})
		later := l.circuit("later", 2, "h1", "h2", bitrate.Mbps)
		later.Key.Proto, later.Key.DstPort = path.ProtoTCP, path.Port(2000)
		for range 3 {
			if err := l.install(later); err == nil || err.Error() != "the flow table of switch 0000000000000002 is full" {
				l.Errorf("the later one: %v", err)
			}
			time.Sleep(30 * time.Second)
		}
		if got := l.holders(first.Handle); !maps.Equal(got, held) || len(l.holders(later.Handle)) > 0 {
			l.Errorf("the first has %v, want %v; the later one %v", got, held, l.holders(later.Handle))
		}
		if lost := l.Lost(); len(lost) > 0 {
			l.Errorf("lost are %v", lost)
		}
		sw.SetFaults(ofswitch.Faults{})
		if err := l.install(later); err != nil {
			l.Errorf("with room: %v", err)
		}
	})
}
