package controller

import (
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"conga/controller/topology"
	"conga/openflow"
)

// forgetful is a saved network that fails when told to, and counts how often it
// is written.
type forgetful struct {
	keeper
	fails bool
	saves int
}

func (f *forgetful) Save(c topology.SavedChange) error {
	f.saves++
	if f.fails {
		return errors.New("disk full")
	}
	return f.keeper.Save(c)
}

// TestSaverLosesNothing: what could not be saved, or was put off, is saved
// later, and at the latest when the controller stops.
func TestSaverLosesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &forgetful{}
		m := saver{store: f, log: slog.New(slog.DiscardHandler)}
		m.load()
		b := topology.NewBuilder(topology.Config{}, time.Now())
		link := func(no openflow.PortNo) {
			now := time.Now()
			for d := openflow.DPID(1); d <= 2; d++ {
				b.SwitchUp(topology.Switch{DPID: d}, []openflow.Port{{No: 1}, {No: 2}, {No: 3}}, now)
			}
			b.LinkSeen(topology.PortID{DPID: 1, Port: no}, topology.PortID{DPID: 2, Port: no}, now)
		}
		save := func(fails bool) {
			f.fails = fails
			for range 10 { // events follow one another at once
				m.save(b, time.Now())
				synctest.Wait()
			}
		}
		link(1)
		save(true)
		if f.saves != 1 {
			t.Errorf("saved %d times at once", f.saves)
		}
		time.Sleep(saveEvery)
		save(false)
		if len(f.m.Links) != 0 || f.saves != 1 {
			t.Errorf("%d links saved in %d times though nothing has changed since", len(f.m.Links), f.saves)
		}
		link(2)
		save(false)
		if len(f.m.Links) != 2 {
			t.Errorf("%d links are saved after a failure; want both", len(f.m.Links))
		}
		link(3)
		save(false)
		if len(f.m.Links) != 2 {
			t.Error("saved again in less than the time between two saves")
		}
		m.flush(b)
		m.close()
		if len(f.m.Links) != 3 || len(f.m.Ports) != 6 {
			t.Errorf("after the stop %d links and %d ports are saved; want 3 and 6", len(f.m.Links), len(f.m.Ports))
		}
	})
}
