package controller

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"conga/bitrate"
	"conga/openflow"
	"conga/openflow/ofswitch"
)

// Open vSwitch has read what its data path counted when the entries of a
// circuit are removed: one of them was changed a moment before. Other switches
// are not kept waiting, nor is what has to come.
func TestCountsAreReadBeforeRemoval(t *testing.T) {
	for software, want := range map[string]time.Duration{"Open vSwitch 3.1.0": recountTime, "Acme 7": 0} {
		t.Run(software, func(t *testing.T) {
			var mu sync.Mutex
			var mods []openflow.FlowMod
			inBubble(t, func(c ofswitch.TopologyConfig) *ofswitch.Network {
				c.Switch.Software = software
				c.Switch.Habits.Alter = func(m *openflow.FlowMod) {
					mu.Lock()
					defer mu.Unlock()
					mods = append(mods, *m)
				}
				return ofswitch.Linear(2, c)
			}, Config{Audit: time.Hour}, func(l *lab) {
				l.settled(2, 1)
				l.pingAll()
				l.acquainted()
				c := l.circuit("a", 7, "h1", "h2", 40*bitrate.Mbps)
				began := time.Now()
				if err := l.install(c); err != nil || time.Since(began) > 0 {
					t.Fatalf("installed after %v: %v", time.Since(began), err)
				}
				before := l.net.Switch(1).Flows(openflow.TableAll)
				mu.Lock()
				mods = nil
				mu.Unlock()
				began = time.Now()
				if err := l.Remove(l.Context(), c.ID); err != nil {
					t.Fatal(err)
				}
				if took := time.Since(began); took != want {
					t.Errorf("removed after %v; want %v", took, want)
				}
				synctest.Wait()
				mu.Lock()
				defer mu.Unlock()
				changed := 0
				for _, m := range mods {
					if m.Command == openflow.FlowModifyStrict && m.CookieMask == ^openflow.Cookie(0) {
						changed++
					}
				}
				if is := changed > 0; is != (want > 0) || changed > 2 {
					t.Errorf("%d entries were changed before; want one of each switch if it has to be read", changed)
				}
				if after := l.net.Switch(1).Flows(openflow.TableAll); len(after) >= len(before) {
					t.Errorf("%d entries are left of %d", len(after), len(before))
				}
			})
		})
	}
}
