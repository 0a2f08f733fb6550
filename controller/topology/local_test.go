package topology

import (
	"net/netip"
	"testing"

	"conga/openflow"
)

func TestLocalPortInText(t *testing.T) {
	local := PortID{DPID: 1, Port: openflow.PortLocal}
	if got := local.String(); got != "0000000000000001:LOCAL" {
		t.Errorf("written as %s", got)
	}
	for _, text := range []string{"0000000000000001:LOCAL", "1:local", "1:4294967294"} {
		if got, err := ParsePortID(text); err != nil || got != local {
			t.Errorf("%s is %v, %v", text, got, err)
		}
	}
	if got, err := ParsePortID("1:4294967293"); err == nil {
		t.Errorf("CONTROLLER is the port %v", got)
	}
}

func TestInterfaceWithoutAnAddressIsNoHost(t *testing.T) {
	for text, want := range map[string]bool{"10.0.0.1": true, "2001:db8::1": true, "fe80::1": false, "169.254.0.9": false} {
		if got := inhabits([]netip.Addr{netip.MustParseAddr(text)}); got != want {
			t.Errorf("%s makes a host behind LOCAL: %t", text, got)
		}
	}
	if inhabits(nil) {
		t.Error("a host behind LOCAL needs no address")
	}
}
