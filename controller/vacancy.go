package controller

import (
	"cmp"
	"fmt"
	"net/netip"

	"conga/openflow/channel"
)

// How many switches may be connected by default: of all addresses, and from
// one. Each costs memory, and time in every plan.
const (
	switchesMost  = 4096
	switchesShare = 1024
)

// vacancy returns why one more switch may not connect, or nil. Where there are
// too many in all, one that has neither links nor hosts gives way to one that
// has, or had before it went: a made-up switch does not take the position of
// one that returns.
func (k *core) vacancy(conn *channel.Conn) error {
	most := cmp.Or(k.cfg.MaxSwitches, switchesMost)
	if k.admission.Load().lists(conn.DPID()) || k.builder.Known(conn.DPID()) {
		if len(k.peers) >= most {
			k.dismissUnknown()
		}
		return nil
	}
	if len(k.peers) >= most {
		return fmt.Errorf("%d switches are connected, which is the most", most)
	}
	addr := addrOf(conn.RemoteAddr())
	if share := min(most, switchesShare); len(k.peers) >= share && k.from(addr) >= share {
		return fmt.Errorf("%d switches are connected from its address, which is the most", share)
	}
	return nil
}

// from returns how many of the connected switches have an address.
func (k *core) from(addr netip.Addr) (n int) {
	for _, p := range k.peers {
		if addrOf(p.session.conn.RemoteAddr()) == addr {
			n++
		}
	}
	return n
}

// dismissUnknown closes the connection of a switch that is not listed and has
// neither links nor hosts, if there is one.
func (k *core) dismissUnknown() {
	for dpid, p := range k.peers {
		if !k.admission.Load().lists(dpid) && !k.builder.Known(dpid) && p.session.conn.Err() == nil {
			k.refuse(p.session.conn, errGivesWay)
			return
		}
	}
}
