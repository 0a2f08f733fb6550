package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"

	"conga/allocator/store"
	"conga/controller/topology"
)

// The bucket Network has a record for every link, port and host, and for
// every switch of which something was found.
const (
	linkPrefix = "link/"
	portPrefix = "port/"
	hostPrefix = "host/"

	switchPrefix = "switch/"

	instanceRecord = "instance" // this daemon's number among those that have the same switches

	singleRecord = "memory" // the single record that earlier versions wrote
)

// networkBatch is how many records are written at once.
const networkBatch = 512

// A savedNetwork keeps in the store what the controller knows of the network:
// links, edge ports, hosts, and what switches lack.
type savedNetwork struct {
	store store.Store
	log   *slog.Logger
}

// Load returns what was saved, the zero value if nothing was. Records that
// cannot be read are left out, and removed.
func (m savedNetwork) Load() (saved topology.Saved, err error) {
	var ops []store.Op
	var whole topology.SavedChange
	var out store.LeftOut
	err = m.store.Scan(context.Background(), store.Network, func(key string, value []byte) error {
		into := &saved
		if key == singleRecord {
			into = &whole.Saved
			ops = append(ops, remove(key))
		}
		if err := decodeNetwork(into, key, value); err != nil {
			out.Add(store.Network, key, err)
		}
		return nil
	})
	out.Warn(m.log)
	ops = append(ops, out.Removals()...)
	if err != nil {
		return topology.Saved{}, fmt.Errorf("the saved network: %w", err)
	}
	more, err := records(whole)
	if err != nil {
		return topology.Saved{}, err
	}
	if err := m.commit(append(more, ops...)); err != nil { // the removal of the single record goes last
		return topology.Saved{}, err
	}
	return whole.Then(topology.SavedChange{Saved: saved}).Saved, nil
}

// Save changes what is saved. After an error part of the change may be saved.
func (m savedNetwork) Save(c topology.SavedChange) error {
	ops, err := records(c)
	if err != nil {
		return err
	}
	return m.commit(ops)
}

func (m savedNetwork) commit(ops []store.Op) error {
	for len(ops) > 0 {
		n := min(len(ops), networkBatch)
		if err := m.store.Commit(context.Background(), ops[:n]...); err != nil {
			return fmt.Errorf("the saved network: %w", err)
		}
		ops = ops[n:]
	}
	return nil
}

// records returns the store's operations for a change.
func records(c topology.SavedChange) (ops []store.Op, err error) {
	put := func(key string, record any) {
		value, e := json.Marshal(record)
		if e != nil {
			err = fmt.Errorf("the saved network: %s: %w", key, e)
			return
		}
		ops = append(ops, store.Op{Bucket: store.Network, Key: key, Value: value})
	}
	for _, l := range c.Links {
		put(linkPrefix+l.LinkID.String(), l)
	}
	for _, p := range c.Ports {
		put(portPrefix+p.PortID.String(), p)
	}
	for _, h := range c.Hosts {
		put(hostPrefix+h.ID().String(), h)
	}
	for _, s := range c.Switches {
		put(switchPrefix+s.DPID.String(), s)
	}
	for _, id := range c.GoneLinks {
		ops = append(ops, remove(linkPrefix+id.String()))
	}
	for _, id := range c.GonePorts {
		ops = append(ops, remove(portPrefix+id.String()))
	}
	for _, mac := range c.GoneHosts {
		ops = append(ops, remove(hostPrefix+mac.String()))
	}
	for _, dpid := range c.GoneSwitches {
		ops = append(ops, remove(switchPrefix+dpid.String()))
	}
	return ops, err
}

func remove(key string) store.Op { return store.Op{Bucket: store.Network, Key: key} }

// checkNetwork returns a [store.RecordError] if a record of [store.Network]
// cannot be read.
func checkNetwork(key string, value []byte) error {
	return decodeNetwork(new(topology.Saved), key, value)
}

// decodeNetwork adds a record to what was saved.
func decodeNetwork(saved *topology.Saved, key string, value []byte) (err error) {
	switch {
	case key == singleRecord:
		if err = store.Unmarshal(value, saved); err != nil {
			*saved = topology.Saved{}
		}
	case key == instanceRecord:
		_, err = decodeInstance(value)
	case strings.HasPrefix(key, linkPrefix):
		saved.Links, err = decode(saved.Links, key, value, func(l topology.SavedLink) string { return linkPrefix + l.LinkID.String() })
	case strings.HasPrefix(key, portPrefix):
		saved.Ports, err = decode(saved.Ports, key, value, func(p topology.SavedPort) string { return portPrefix + p.PortID.String() })
	case strings.HasPrefix(key, hostPrefix):
		saved.Hosts, err = decode(saved.Hosts, key, value, func(h topology.Host) string { return hostPrefix + h.ID().String() })
	case strings.HasPrefix(key, switchPrefix):
		saved.Switches, err = decode(saved.Switches, key, value, func(s topology.SavedSwitch) string { return switchPrefix + s.DPID.String() })
	}
	if err != nil {
		return store.Unreadable(store.Network, key, err)
	}
	return nil
}

// decode appends the record that value holds, if its key is that of what it is
// about.
func decode[T any](records []T, key string, value []byte, keyOf func(T) string) ([]T, error) {
	var r T
	if err := store.Unmarshal(value, &r); err != nil {
		return records, err
	}
	if about := keyOf(r); about != key {
		return records, fmt.Errorf("it is about %s", about)
	}
	return append(records, r), nil
}
