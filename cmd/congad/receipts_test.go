package main

import (
	"context"
	"encoding/binary"
	"fmt"
	"net/netip"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"conga/cmd/internal/eventually"
	"conga/httpapi/client"
	"conga/openflow/ofswitch"
)

// marked counts the IPv4 frames that arrive at a host with the mark of
// allocations.
func marked(h *ofswitch.Host) *atomic.Uint64 {
	var n atomic.Uint64
	h.Handle(func(r ofswitch.Received) bool {
		if len(r.Data) > 34 && binary.BigEndian.Uint16(r.Data[12:]) == 0x800 && r.Data[15]>>2 == 46 && r.Data[23] == 17 {
			n.Add(1)
		}
		return false
	})
	return &n
}

// An allocation that is changed thirty times in five seconds, so that its
// entries are replaced again and again while all its traffic flows, has a
// receipt of all that was carried with its mark, whatever the change is.
func TestReceiptOfManyChanges(t *testing.T) {
	const changes, pause = 30, 5 * time.Second / 30
	for name, to := range map[string]func(i int) (host int, port uint16){
		"a new port each time":   func(i int) (int, uint16) { return 2, uint16(9000 + i) },
		"the same two ports":     func(i int) (int, uint16) { return 2, uint16(9000 + i%2) },
		"another host each time": func(i int) (int, uint16) { return 2 + i%6, 9000 },
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			file, data := filepath.Join(dir, "conga.yaml"), filepath.Join(dir, "data")
			writeConfig(t, file, fmt.Sprintf(testConfig, data, "127.0.0.1:0"))
			p := start(t, file)
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
			defer cancel()
			n := ofswitch.Linear(7, ofswitch.TopologyConfig{Switch: ofswitch.Config{Backoff: 100 * time.Millisecond}})
			defer n.Close()
			n.Start(ctx, p.until("listening for switches")["addr"].(string))
			h1 := n.Host("h1")
			var got []*atomic.Uint64
			for i := 2; i <= 7; i++ {
				reach(ctx, t, h1, n.Host(fmt.Sprint("h", i)))
				got = append(got, marked(n.Host(fmt.Sprint("h", i))))
			}
			at := func(i int) netip.AddrPort {
				host, port := to(i)
				return netip.AddrPortFrom(n.Host(fmt.Sprint("h", host)).Addr(), port)
			}
			c := p.login()
			allocate := func(protocol string, to netip.AddrPort, rate uint64) string {
				t.Helper()
				made, err := c.Allocate(ctx, client.Request{
					ProjectID: "projectB", SrcIP: h1.Addr().String(), DstIP: to.Addr().String(), DstPort: client.OnePort(to.Port()),
					Protocol: protocol, Bandwidth: rate, Duration: 3600,
				})
				if err == nil {
					_, err = c.Wait(ctx, made.ID, client.Active, nil)
				}
				if err != nil {
					t.Fatal(err)
				}
				return made.ID
			}
			id := allocate("udp", at(0), 4_000_000)
			var streams sync.WaitGroup
			seen := map[netip.AddrPort]bool{}
			for i := range changes {
				if seen[at(i)] {
					continue
				}
				seen[at(i)] = true
				streams.Go(func() {
					tr := ofswitch.Traffic{Rate: 1_000_000, Size: 500, Duration: 7 * time.Second}
					if _, err := h1.SendUDP(ctx, at(i), tr); err != nil {
						t.Error(err)
					}
				})
			}
			for i := range changes {
				dst, port := at(i).Addr().String(), client.OnePort(at(i).Port())
				if _, err := c.Update(ctx, id, client.Change{DstIP: &dst, DstPort: &port}); err != nil {
					t.Fatal(err)
				}
				time.Sleep(pause)
			}
			streams.Wait()
			if err := n.Settle(ctx); err != nil {
				t.Fatal(err)
			}
			if err := c.Release(ctx, id); err != nil {
				t.Fatal(err)
			}
			var receipt client.Receipt
			eventually.True(t, "the receipt", func() bool {
				al, err := c.Show(ctx, id)
				if err != nil || al.Receipt == nil || !al.Receipt.Final {
					return false
				}
				receipt = *al.Receipt
				return true
			})
			f := receipt.Forward
			want := uint64(0)
			for _, n := range got {
				want += n.Load()
			}
			// What passes while one switch holds an entry and the next does
			// not is marked by one of them and counted by one: two packets a
			// change, or more where the machine is slow to write entries.
			entered, delivered, dropped := number(f.Entered.Packets), number(f.Delivered.Packets), number(f.Dropped.Packets)
			slack := max(2*changes, want/8)
			near := func(a, b uint64) bool { return a <= b+slack && b <= a+slack }
			if want < 500 || !near(delivered, want) || !near(entered, want+dropped) {
				t.Errorf("of %d packets with the mark %d entered, %d were dropped and %d delivered by the receipt", want, entered, dropped, delivered)
			}
		})
	}
}

// number returns what a receipt says, 0 where it is not known.
func number(n *uint64) uint64 {
	if n == nil {
		return 0
	}
	return *n
}
