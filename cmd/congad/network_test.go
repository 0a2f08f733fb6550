package main

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/netip"
	"reflect"
	"testing"

	"conga/allocator/store"
	"conga/allocator/store/storetest"
	"conga/controller/topology"
	"conga/openflow"
)

// sample returns what may be known of a network.
func sample() topology.Saved {
	a, b := topology.PortID{DPID: 1, Port: 2}, topology.PortID{DPID: 2, Port: 1}
	return topology.Saved{
		Links: []topology.SavedLink{
			{LinkID: topology.LinkID{From: a, To: b}, Tree: true},
			{LinkID: topology.LinkID{From: b, To: a}, Tree: true},
		},
		Ports: []topology.SavedPort{{PortID: a, Role: topology.Trunk, Far: b}, {PortID: topology.PortID{DPID: 1, Port: 3}, Role: topology.Edge}},
		Hosts: []topology.Host{{MAC: openflow.MAC{2, 0, 0, 0, 0, 1}, At: topology.PortID{DPID: 1, Port: 3}, Addrs: []netip.Addr{netip.MustParseAddr("10.0.0.1")}}},
	}
}

func recalled(t *testing.T, s store.Store) topology.Saved {
	t.Helper()
	got, err := savedNetwork{store: s, log: slog.New(slog.DiscardHandler)}.Load()
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestMemoryKeepsARecordForEach(t *testing.T) {
	s := storetest.NewMemory()
	m := savedNetwork{store: s}
	all := sample()
	if err := m.Save(topology.SavedChange{Saved: all}); err != nil {
		t.Fatal(err)
	}
	if got := recalled(t, s); !reflect.DeepEqual(got, all) {
		t.Errorf("recalled %+v; want %+v", got, all)
	}
	moved := all.Hosts[0]
	moved.At.Port = 4
	change := topology.SavedChange{
		Saved:     topology.Saved{Hosts: []topology.Host{moved}},
		GoneLinks: []topology.LinkID{all.Links[1].LinkID},
		GonePorts: []topology.PortID{all.Ports[0].PortID},
	}
	if err := m.Save(change); err != nil {
		t.Fatal(err)
	}
	want := topology.Saved{Links: all.Links[:1], Ports: all.Ports[1:], Hosts: []topology.Host{moved}}
	if got := recalled(t, s); !reflect.DeepEqual(got, want) {
		t.Errorf("after a change recalled %+v; want %+v", got, want)
	}
	if n := s.Len(store.Network); n != 3 {
		t.Errorf("%d records; want 3", n)
	}
}

// TestMemoryReadsTheOneRecordOfEarlierVersions: the record is then replaced,
// and does not hide what was saved since.
func TestMemoryReadsTheOneRecordOfEarlierVersions(t *testing.T) {
	s := storetest.NewMemory()
	all := sample()
	value, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Commit(context.Background(), store.Op{Bucket: store.Network, Key: singleRecord, Value: value}); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if got := recalled(t, s); !reflect.DeepEqual(got, all) {
			t.Errorf("recalled %+v; want %+v", got, all)
		}
	}
	if n := s.Len(store.Network); n != 5 {
		t.Errorf("%d records; want one for each of 2 links, 2 ports and a host", n)
	}
}

func TestMemoryLeavesOutWhatItCannotRead(t *testing.T) {
	for _, key := range []string{singleRecord, linkPrefix + "x", portPrefix + "x", hostPrefix + "x"} {
		s := storetest.NewMemory()
		if err := (savedNetwork{store: s}).Save(topology.SavedChange{Saved: sample()}); err != nil {
			t.Fatal(err)
		}
		if err := s.Commit(context.Background(), store.Op{Bucket: store.Network, Key: key, Value: []byte(`{"links":[{"from":1}`)}); err != nil {
			t.Fatal(err)
		}
		if got := recalled(t, s); !reflect.DeepEqual(got, sample()) {
			t.Errorf("beside a bad %s recalled %+v", key, got)
		}
		if n := s.Len(store.Network); n != 5 {
			t.Errorf("%d records are kept beside a bad %s; want 5", n, key)
		}
	}
}

func TestMemoryTellsWhenTheStoreFails(t *testing.T) {
	s := storetest.NewMemory()
	s.Fail(errors.New("disk full"))
	if err := (savedNetwork{store: s}).Save(topology.SavedChange{Saved: sample()}); err == nil {
		t.Error("no error though the store failed")
	}
}
