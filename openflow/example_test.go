package openflow_test

import (
	"fmt"
	"net/netip"

	"conga/openflow"
)

// A flow mod is made from constructors, written with Append and read with
// Parse.
func Example() {
	add := &openflow.FlowMod{
		Priority: 100, BufferID: openflow.NoBuffer, OutPort: openflow.PortAny, OutGroup: openflow.GroupAny,
		Match: openflow.Match{
			openflow.EthType(0x0800), openflow.IPv4DstPrefix(netip.MustParsePrefix("10.0.0.0/8")),
		},
		Instructions: []openflow.Instruction{
			openflow.ApplyActions(openflow.SetField(openflow.IPDSCP(46)), openflow.Output(2, 0)),
		},
	}
	wire, err := openflow.Append(nil, 7, add)
	if err != nil {
		fmt.Println(err)
		return
	}
	header, message, err := openflow.Parse(wire)
	fmt.Println(header.Type, header.XID, len(wire), err)
	fmt.Println(message)
	// Output:
	// flow mod 7 112 <nil>
	// ADD priority=100,ip,nw_dst=10.0.0.0/8 actions=set_field:46->ip_dscp,output:2
}

// The text form is that of ovs-ofctl.
func ExampleParseMatch() {
	match, err := openflow.ParseMatch("tcp,nw_dst=10.0.0.1,tp_dst=443")
	if err != nil {
		fmt.Println(err)
		return
	}
	dst, _ := match.Get(openflow.FieldIPv4Dst)
	fmt.Println(dst.Addr(), match)
	// Output: 10.0.0.1 tcp,nw_dst=10.0.0.1,tp_dst=443
}
