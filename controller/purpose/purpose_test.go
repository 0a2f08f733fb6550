package purpose

import (
	"fmt"
	"math/bits"
	"testing"

	"pgregory.net/rapid"

	"conga/openflow"
)

func TestReadCookie(t *testing.T) {
	for cookie, want := range map[openflow.Cookie]string{
		0xc09a_01_00_0000_0000: "control 0", 0xc09a_02_00_0000_0000: "forward 0", 0xc09a_03_ff_ffff_ffff: "allocation 4294967295", 0xc09a_a3_5b_0000_0007: "allocation 7",
		0xc09a_00_00_0000_0001: "control 1", 0xc09a_ff_00_0000_0002: "control 2",
		0: "foreign 0", 0xc09b_03_00_0000_0007: "foreign 0", 0x409a_03_00_0000_0007: "foreign 0", 0x0000_03_00_0000_0007: "foreign 0",
	} {
		kind, owner := ReadCookie(cookie)
		if got := fmt.Sprint(kind, " ", owner); got != want {
			t.Errorf("%#x is of %s, want %s", uint64(cookie), got, want)
		}
		if Ours(cookie) != (kind != Foreign) {
			t.Errorf("%#x is ours: %t, but of kind %v", uint64(cookie), Ours(cookie), kind)
		}
	}
}

func TestMakeCookie(t *testing.T) {
	if c := MakeCookie(Allocation, 0xff_00ff_0000_0007); c != 0xc09a_0300_0000_0007 {
		t.Errorf("cookie %x; want 32 bits of the owner", uint64(c))
	}
}

func TestCookieAgain(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		kind := rapid.SampledFrom([]Kind{Control, Forward, Allocation}).Draw(t, "kind")
		owner := rapid.Uint64().Draw(t, "owner")
		c := MakeCookie(kind, owner)
		if k, o := ReadCookie(c); k != kind || o != owner&ownerMask {
			t.Errorf("%#x is of %v %d, want %v %d", uint64(c), k, o, kind, owner&ownerMask)
		}
		if c&(CookieMask|KindMask) != MakeCookie(kind, 0) {
			t.Errorf("the masks do not select %#x among cookies of its kind", uint64(c))
		}
	})
}

func TestReadMeter(t *testing.T) {
	for id, want := range map[openflow.MeterID]string{
		0: "foreign 0", 1: "foreign 0", 0xbfff_ffff: "foreign 0",
		0xc000_0000: "unknown-sources 0", 0xc000_0001: "flood 0", 0xc000_0002: "teaching 0", 0xc080_0005: "teaching 5", 0xc07f_ffff: "foreign 0",
		0xc100_0000: "best-effort 0", 0xc100_0003: "best-effort 3", 0xc1ff_fffe: "best-effort 16777214", 0xc1ff_ffff: "best-effort 4294967294",
		0xc0ff_ffff: "teaching 4294967294",
		0xc200_0000: "policer 0", 0xc200_0007: "policer 7", 0xc2ff_ffff: "policer 16777215",
		0xc400_0000: "policer 33554432", 0xc4ff_ffff: "policer 50331647", 0xc500_0000: "foreign 0", 0xc3ff_ffff: "foreign 0",
		0xc300_0000: "foreign 0", 0xc300_0001: "foreign 0", openflow.MeterController: "foreign 0",
	} {
		kind, of := ReadMeter(id)
		if got := fmt.Sprint(kind, " ", of); got != want {
			t.Errorf("%#x is %s, want %s", uint32(id), got, want)
		}
	}
}

func TestMeterAgain(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		handle := rapid.Uint32().Draw(t, "handle")
		if kind, of := ReadMeter(PolicerID(handle)); kind != MeterPolicer || of != PolicerSuffix(handle) {
			t.Errorf("the policer of %#x reads as %v %#x", handle, kind, of)
		}
		kind, of := ReadMeter(BackPolicerID(handle))
		if whose, back := Backwards(of); kind != MeterPolicer || whose != PolicerSuffix(handle) || !back || PolicerOf(of) != BackPolicerID(handle) {
			t.Errorf("the policer of what %#x carries back reads as %v %#x", handle, kind, of)
		}
		if whose, back := Backwards(PolicerSuffix(handle)); whose != PolicerSuffix(handle) || back {
			t.Errorf("the policer of %#x is %#x's, %t", handle, whose, back)
		}
		port := openflow.PortNo(rapid.Uint32().Draw(t, "port"))
		id, ok := PortID(port)
		if ok != (port < 1<<24-1 || port == openflow.PortLocal) {
			t.Errorf("port %#x has a meter: %t", uint32(port), ok)
		}
		if id, ok := StormID(openflow.PortLocal); !ok {
			t.Error("LOCAL has no meter for a storm")
		} else if kind, of := ReadMeter(id); kind != MeterTeaching || of != uint32(openflow.PortLocal) {
			t.Errorf("the meter for a storm of LOCAL reads as %v %#x", kind, of)
		}
		if kind, of := ReadMeter(id); ok && (kind != MeterBestEffort || of != uint32(port)) {
			t.Errorf("the meter of port %#x reads as %v %#x", uint32(port), kind, of)
		}
	})
}

// An instance can be read from a cookie, taken out of its own, and selected
// together with none; cookies of other instances are another matter.
func TestInstance(t *testing.T) {
	var all []Instance
	for i := range Instance(1 << 12) {
		if bits.OnesCount16(uint16(i)) == 6 {
			all = append(all, i)
		}
	}
	if len(all) != 924 {
		t.Fatalf("%d instances", len(all))
	}
	rapid.Check(t, func(t *rapid.T) {
		own, other := rapid.SampledFrom(all).Draw(t, "own"), rapid.SampledFrom(all).Draw(t, "other")
		bare := MakeCookie(rapid.SampledFrom([]Kind{Control, Forward, Allocation}).Draw(t, "kind"), rapid.Uint64().Draw(t, "owner"))
		ours, theirs := own.Mark(bare), other.Mark(bare)
		if InstanceOf(bare) != 0 || InstanceOf(ours) != own || own.Unmark(ours) != bare || own.Unmark(bare) != bare {
			t.Errorf("%#x of %x is %#x", uint64(bare), own, uint64(ours))
		}
		k, o := ReadCookie(ours)
		if wantK, wantO := ReadCookie(bare); k != wantK || o != wantO {
			t.Errorf("%#x reads as %v %d", uint64(ours), k, o)
		}
		if mask := own.Own(^openflow.Cookie(0)); bare&mask != bare || ours&mask != bare || own != other && (theirs&mask == bare || own.Unmark(theirs) != theirs) {
			t.Errorf("the mask of %x does not select %#x and %#x, or does %#x", own, uint64(bare), uint64(ours), uint64(theirs))
		}
	})
}
