package controller

import (
	"testing"
	"time"

	"conga/bitrate"
	"conga/controller/path"
	"conga/controller/topology"
	"conga/openflow"
	"conga/openflow/ofswitch"
)

// protect installs a circuit with the other way through a diamond as its
// backup.
func (l *lab) protect() path.Circuit {
	l.Helper()
	l.settled(4, 4)
	l.pingAll()
	c := l.circuit("a", 7, "h1", "h2", 40*bitrate.Mbps)
	c.Backup = otherWay(l, c.Path)
	if err := l.install(c); err != nil {
		l.Fatal(err)
	}
	return c
}

// groups returns how many groups the switches of a circuit's ends hold.
func (l *lab) groups(c path.Circuit) (n int) {
	for _, i := range []int{0, len(c.Path) - 1} {
		n += len(l.net.Switch(c.Path[i].DPID).Groups())
	}
	return n
}

// TestSwitchesUseTheBackup: a link is cut whose switch is the one where the
// paths part. Traffic goes by the backup before the controller has heard of it,
// and the controller's own turn loses none either.
func TestSwitchesUseTheBackup(t *testing.T) {
	inBubble(t, ofswitch.Diamond, Config{}, func(l *lab) {
		c := l.protect()
		if n := l.groups(c); n != 2 {
			l.Fatalf("the ends hold %d groups", n)
		}
		if got := l.send("h1", "h2", 20); got.Packets != 20 || got.DSCP != 46 || len(got.Via) != 3 || got.Via[1].DPID != c.Path[1].DPID {
			l.Errorf("%d of 20 packets arrived, via %v", got.Packets, got.Via)
		}
		cut := l.net.LinkBetween(c.Path[0].DPID, c.Path[1].DPID)
		cut.Cut()
		if got := l.send("h1", "h2", 20); got.Packets != 20 || got.DSCP != 46 || got.Via[1].DPID != c.Backup[1].DPID {
			l.Errorf("%d of 20 packets arrived after the cut, via %v", got.Packets, got.Via)
		}
		l.until("the link to be gone", func(s *topology.Snapshot) bool { return len(s.Links) == 6 })
		turned := c
		turned.Path, turned.Backup = c.Backup, c.Path
		if err := l.install(turned); err != nil {
			l.Fatal(err)
		}
		if got := l.send("h2", "h1", 20); got.Packets != 20 || got.Via[1].DPID != c.Backup[1].DPID {
			l.Errorf("%d of 20 packets arrived on the way back, via %v", got.Packets, got.Via)
		}
		cut.Restore()
		l.settled(4, 4)
		if got := l.send("h1", "h2", 20); got.Packets != 20 || got.Via[1].DPID != c.Backup[1].DPID {
			l.Errorf("%d of 20 packets arrived once the link was back, via %v", got.Packets, got.Via)
		}
		if err := l.install(c); err != nil {
			l.Fatal(err)
		}
		if got := l.send("h1", "h2", 20); got.Packets != 20 || got.Via[1].DPID != c.Path[1].DPID || l.groups(c) != 2 {
			l.Errorf("%d of 20 packets arrived after the return, via %v, with %d groups", got.Packets, got.Via, l.groups(c))
		}
		if err := l.Remove(l.Context(), "a"); err != nil {
			l.Fatal(err)
		}
		l.until("the groups to be gone", func(*topology.Snapshot) bool { return l.groups(c) == 0 })
		if got := l.holders(7); len(got) != 0 {
			l.Errorf("entries left after removal: %v", got)
		}
	})
}

// TestBackupWithoutGroups: a switch without groups holds both paths, says what
// it lacks, and is turned to the backup by the controller.
func TestBackupWithoutGroups(t *testing.T) {
	build := func(cfg ofswitch.TopologyConfig) *ofswitch.Network {
		cfg.Switch.Habits.NoGroups = true
		return ofswitch.Diamond(cfg)
	}
	inBubble(t, build, Config{}, func(l *lab) {
		c := l.protect()
		if lacks := l.Snapshot().Switches[c.Path[0].DPID].Lacks; l.groups(c) != 0 || lacks&topology.LacksFailover == 0 {
			l.Errorf("%d groups, lacks %b", l.groups(c), lacks)
		}
		if got := l.holders(7); len(got) != 4 {
			l.Errorf("entries are on %v", got)
		}
		l.net.LinkBetween(c.Path[0].DPID, c.Path[1].DPID).Cut()
		l.until("the link to be gone", func(s *topology.Snapshot) bool { return len(s.Links) == 6 })
		turned := c
		turned.Path, turned.Backup = c.Backup, c.Path
		if err := l.install(turned); err != nil {
			l.Fatal(err)
		}
		if got := l.send("h1", "h2", 20); got.Packets != 20 || got.Via[1].DPID != c.Backup[1].DPID {
			l.Errorf("%d of 20 packets arrived, via %v", got.Packets, got.Via)
		}
	})
}

// TestGroupsAreKept: an audit puts a group right that another program has
// changed or deleted, and leaves other groups alone; a restart changes nothing.
func TestGroupsAreKept(t *testing.T) {
	inBubble(t, ofswitch.Diamond, Config{Audit: time.Second}, func(l *lab) {
		c := l.protect()
		sw := l.net.Switch(c.Path[0].DPID)
		ours := sw.Groups()[0]
		other := openflow.GroupMod{Command: openflow.GroupAdd, GroupType: openflow.GroupTypeAll, ID: 7}
		spoilt := openflow.GroupMod{Command: openflow.GroupModify, GroupType: openflow.GroupTypeAll, ID: ours.Group}
		gone := openflow.GroupMod{Command: openflow.GroupDelete, ID: ours.Group}
		right := func(*topology.Snapshot) bool {
			list := sw.Groups()
			return len(list) == 2 && list[0].Group == 7 && list[1].GroupType == openflow.GroupTypeFF && len(list[1].Buckets) == 2 && l.holders(7)[sw.DPID()] == 3 // both ways back
		}
		if err := sw.Apply(&other); err != nil {
			l.Fatal(err)
		}
		for _, m := range []*openflow.GroupMod{&spoilt, &gone} {
			if err := sw.Apply(m); err != nil {
				l.Fatal(err)
			}
			l.until("the group to be right", right)
		}
		l.stop()
		l = l.again(Config{}, c)
		l.settled(4, 4)
		if err := l.install(c); err != nil || !right(nil) {
			l.Errorf("after a restart %v, %+v", err, sw.Groups())
		}
		if err := l.Remove(l.Context(), "a"); err != nil {
			l.Fatal(err)
		}
		l.until("only the other group to be left", func(*topology.Snapshot) bool { return len(sw.Groups()) == 1 })
	})
}
