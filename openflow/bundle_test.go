package openflow

import (
	"reflect"
	"testing"
)

func bundleSamples() []sample {
	add, err := (&BundleAdd{ID: 9, Flags: BundleAtomic | BundleOrdered, XID: 1, Message: sampleFlowMod}).Experimenter()
	if err != nil {
		panic(err)
	}
	return []sample{
		{"bundle open", (&BundleControl{ID: 9, Type: BundleOpenRequest, Flags: BundleAtomic}).Experimenter()},
		{"bundle commit", (&BundleControl{ID: 9, Type: BundleCommitRequest, Flags: BundleOrdered}).Experimenter()},
		{"bundle add", add},
	}
}

func TestBundleRoundTrip(t *testing.T) {
	control := &BundleControl{ID: 1, Type: BundleCommitReply, Flags: BundleAtomic | BundleOrdered}
	got, ok, err := control.Experimenter().BundleControl()
	if !ok || err != nil || *got != *control {
		t.Errorf("bundle control: %+v, %t, %v, want %+v", got, ok, err, control)
	}
	add := &BundleAdd{ID: 1, Flags: BundleOrdered, XID: 77, Message: sampleFlowMod}
	m, err := add.Experimenter()
	if err != nil {
		t.Fatal(err)
	}
	gotAdd, ok, err := m.BundleAdd()
	if !ok || err != nil || !reflect.DeepEqual(gotAdd, add) {
		t.Errorf("bundle add: %+v, %t, %v, want %+v", gotAdd, ok, err, add)
	}
	if _, ok, _ := m.BundleControl(); ok {
		t.Error("a bundle add passes for a bundle control")
	}
	for n := range m.Data {
		cut := &Experimenter{Experimenter: m.Experimenter, ExpType: m.ExpType, Data: m.Data[:n]}
		if got, ok, err := cut.BundleAdd(); !ok || err == nil {
			t.Fatalf("bundle add cut to %d bytes: %+v, %t, %v", n, got, ok, err)
		}
	}
}

func TestBundleAddRefuses(t *testing.T) {
	if m, err := (&BundleAdd{Message: &FlowMod{Match: Match{{}}}}).Experimenter(); err == nil {
		t.Errorf("an impossible inner message became %+v", m)
	}
}
