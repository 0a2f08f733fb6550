package openflow

import (
	"encoding/json"
	"testing"
)

func TestDPID(t *testing.T) {
	for text, want := range map[string]DPID{
		"0000000000000001":        1,
		"00000000deadBEEF":        0xdeadbeef,
		"of:0000aabbccddeeff":     0x0000aabbccddeeff,
		"of:1f":                   0x1f,
		"00:00:00:00:00:00:00:01": 1,
		"0x1f":                    0x1f,
		"0X1F":                    0x1f,
		"17":                      17,
		"18446744073709551615":    ^DPID(0),
		"ffffffffffffffff":        ^DPID(0),
	} {
		got, err := ParseDPID(text)
		if err != nil || got != want {
			t.Errorf("ParseDPID(%q) = %v, %v, want %v", text, got, err, want)
		}
		if again, err := ParseDPID(got.String()); err != nil || again != want {
			t.Errorf("%q prints as %q, which reads as %v, %v", text, got, again, err)
		}
	}
	for _, text := range []string{
		"", "of:", "0x", "1f", "-1", "+1", "of:00000000000000001", "00:00:00:00:00:00:00:1", "00:00:00:00:00:01",
		"0:000:00:00:00:00:00:01", "00000000000000000001f", "000000000000000g", "1_0", "0x1_0", "18446744073709551616",
	} {
		if d, err := ParseDPID(text); err == nil {
			t.Errorf("ParseDPID(%q) = %v", text, d)
		}
	}
}

func TestMAC(t *testing.T) {
	want := MAC{0x0a, 0x1b, 0x2c, 0x3d, 0x4e, 0x5f}
	for _, text := range []string{"0a:1b:2c:3d:4e:5f", "0A:1B:2C:3D:4E:5F", "0a-1b-2c-3d-4e-5f"} {
		if got, err := ParseMAC(text); err != nil || got != want {
			t.Errorf("ParseMAC(%q) = %v, %v", text, got, err)
		}
	}
	if got := want.String(); got != "0a:1b:2c:3d:4e:5f" {
		t.Errorf("String = %q", got)
	}
	for _, text := range []string{
		"", "0a:1b:2c:3d:4e", "0a:1b:2c:3d:4e:5f:60", "0a:1b-2c:3d:4e:5f", "0a.1b.2c.3d.4e.5f", "0g:1b:2c:3d:4e:5f",
		"+a:1b:2c:3d:4e:5f",
	} {
		if m, err := ParseMAC(text); err == nil {
			t.Errorf("ParseMAC(%q) = %v", text, m)
		}
	}
}

// TestTextKeys uses both as JSON map keys, which takes both directions of the
// text form.
func TestTextKeys(t *testing.T) {
	type tables struct {
		Switches map[DPID]MAC
	}
	in := tables{map[DPID]MAC{1: {1, 2, 3, 4, 5, 6}}}
	b, err := json.Marshal(in)
	if want := `{"Switches":{"0000000000000001":"01:02:03:04:05:06"}}`; err != nil || string(b) != want {
		t.Errorf("%s, %v, want %s", b, err, want)
	}
	var out tables
	if err := json.Unmarshal(b, &out); err != nil || out.Switches[1] != in.Switches[1] {
		t.Errorf("%+v, %v", out, err)
	}
	for _, bad := range []string{`{"Switches":{"x":"01:02:03:04:05:06"}}`, `{"Switches":{"1":"x"}}`} {
		if err := json.Unmarshal([]byte(bad), &out); err == nil {
			t.Errorf("%s is accepted", bad)
		}
	}
}

func TestPortNo(t *testing.T) {
	for text, want := range map[string]PortNo{
		"1": 1, "0x10": 16, "IN_PORT": PortInPort, "table": PortTable, "Normal": PortNormal, "FLOOD": PortFlood,
		"ALL": PortAll, "CONTROLLER": PortController, "LOCAL": PortLocal, "ANY": PortAny, "4294967040": PortMax,
	} {
		got, err := ParsePortNo(text)
		if err != nil || got != want {
			t.Errorf("ParsePortNo(%q) = %v, %v, want %v", text, got, err, want)
		}
		if again, err := ParsePortNo(got.String()); err != nil || again != want {
			t.Errorf("%v reads as %v, %v", got, again, err)
		}
	}
	for _, text := range []string{"", "-1", "4294967296", "eth0"} {
		if p, err := ParsePortNo(text); err == nil {
			t.Errorf("ParsePortNo(%q) = %v", text, p)
		}
	}
}
