package openflow

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
)

// A DPID is a datapath identifier: one switch instance (§7.3.1).
type DPID uint64

// String returns the identifier as 16 lower-case hex digits.
func (d DPID) String() string {
	b := d.digits()
	return string(b[:])
}

func (d DPID) digits() (out [16]byte) {
	const hexDigits = "0123456789abcdef"
	for i := 15; i >= 0; i-- {
		out[i] = hexDigits[d&0xf]
		d >>= 4
	}
	return out
}

// ParseDPID reads 16 hex digits, "of:" and 16 hex digits, eight colon-separated
// octets, "0x" and hex digits, or a decimal number.
func ParseDPID(s string) (DPID, error) {
	text, base := s, 10
	switch {
	case strings.HasPrefix(s, "of:"):
		text, base = s[len("of:"):], 16
	case strings.HasPrefix(s, "0x"), strings.HasPrefix(s, "0X"):
		text, base = s[len("0x"):], 16
	case len(s) == 23 && strings.Count(s, ":") == 7:
		for i, octet := range strings.Split(s, ":") {
			if len(octet) != 2 {
				return 0, fmt.Errorf("openflow: datapath %q: octet %d is not two hex digits", s, i+1)
			}
		}
		text, base = strings.ReplaceAll(s, ":", ""), 16
	case len(s) == 16:
		base = 16
	}
	v, err := strconv.ParseUint(text, base, 64)
	if err != nil || (base == 16 && len(text) > 16) {
		return 0, fmt.Errorf("openflow: datapath %q is neither 16 hex digits nor a number", s)
	}
	return DPID(v), nil
}

// MarshalText implements [encoding.TextMarshaler].
func (d DPID) MarshalText() ([]byte, error) {
	b := d.digits()
	return b[:], nil
}

// UnmarshalText implements [encoding.TextUnmarshaler].
func (d *DPID) UnmarshalText(b []byte) error {
	v, err := ParseDPID(string(b))
	if err != nil {
		return err
	}
	*d = v
	return nil
}

// A PortNo is a port number, 1 to PortMax, or one of the reserved ports
// (§7.2.1).
type PortNo uint32

// The reserved port numbers (§7.2.1).
const (
	PortMax        PortNo = 0xffffff00 // highest number of a physical or logical port
	PortInPort     PortNo = 0xfffffff8 // back out of the port the packet came in by
	PortTable      PortNo = 0xfffffff9 // through the flow tables; only in packet-outs
	PortNormal     PortNo = 0xfffffffa // the switch's own L2/L3 forwarding
	PortFlood      PortNo = 0xfffffffb // every port but the ingress and the blocked ones
	PortAll        PortNo = 0xfffffffc // every port but the ingress
	PortController PortNo = 0xfffffffd // to the controller, as a packet-in
	PortLocal      PortNo = 0xfffffffe // the switch's own network stack
	PortAny        PortNo = 0xffffffff // wildcard in requests, "no port" elsewhere
)

// String returns the number, or the reserved port's name in upper case.
func (p PortNo) String() string {
	switch p {
	case PortInPort:
		return "IN_PORT"
	case PortTable:
		return "TABLE"
	case PortNormal:
		return "NORMAL"
	case PortFlood:
		return "FLOOD"
	case PortAll:
		return "ALL"
	case PortController:
		return "CONTROLLER"
	case PortLocal:
		return "LOCAL"
	case PortAny:
		return "ANY"
	}
	return strconv.FormatUint(uint64(p), 10)
}

// A GroupID names an entry of the group table, 0 to GroupMax (§7.3.4.2).
type GroupID uint32

// The reserved groups (§7.3.4.2).
const (
	GroupMax GroupID = 0xffffff00 // highest usable group
	GroupAll GroupID = 0xfffffffc // every group, when deleting
	GroupAny GroupID = 0xffffffff // wildcard in flow requests
)

// A MeterID names an entry of the meter table, 1 to MeterMax (§7.3.4.4).
type MeterID uint32

// The virtual meters (§7.3.4.4).
const (
	MeterMax        MeterID = 0xffff0000 // highest usable meter
	MeterSlowpath   MeterID = 0xfffffffd // for the slow datapath
	MeterController MeterID = 0xfffffffe // for the controller connection
	MeterAll        MeterID = 0xffffffff // every meter, in requests
)

// A TableID numbers a flow table, 0 to TableMax (§7.3.3).
type TableID uint8

// The reserved tables (§7.3.3).
const (
	TableMax TableID = 0xfe // highest usable table
	TableAll TableID = 0xff // every table, in requests and deletes
)

// A Cookie tags a flow entry with its owner; switches store it and filter by
// it, but do not interpret it (§7.3.4.1).
type Cookie uint64

const (
	// NoBuffer as a buffer ID says that the packet travels in the message
	// (§7.3.4.1).
	NoBuffer uint32 = 0xffffffff
	// MaxLenNoBuffer as an output action's MaxLen asks for whole, unbuffered
	// packets (§7.2.5).
	MaxLenNoBuffer uint16 = 0xffff
	// QueueAll as a queue ID means every queue of the port (§7.3.5.8).
	QueueAll uint32 = 0xffffffff
)

// A MAC is an Ethernet address. Unlike net.HardwareAddr it is comparable and
// needs no allocation.
type MAC [6]byte

// String returns the address as six colon-separated lower-case octets.
func (m MAC) String() string {
	b := m.digits()
	return string(b[:])
}

func (m MAC) digits() (out [17]byte) {
	for i, octet := range m {
		if i > 0 {
			out[3*i-1] = ':'
		}
		hex.Encode(out[3*i:], []byte{octet})
	}
	return out
}

// ParseMAC reads six octets of two hex digits, separated by colons or by
// hyphens.
func ParseMAC(s string) (MAC, error) {
	var m MAC
	if len(s) != 17 || (s[2] != ':' && s[2] != '-') {
		return MAC{}, fmt.Errorf("openflow: %q is not an Ethernet address", s)
	}
	for i := range m {
		v, err := strconv.ParseUint(s[3*i:3*i+2], 16, 8)
		if err != nil || (i > 0 && s[3*i-1] != s[2]) {
			return MAC{}, fmt.Errorf("openflow: %q is not an Ethernet address", s)
		}
		m[i] = byte(v)
	}
	return m, nil
}

// MarshalText implements [encoding.TextMarshaler].
func (m MAC) MarshalText() ([]byte, error) {
	b := m.digits()
	return b[:], nil
}

// UnmarshalText implements [encoding.TextUnmarshaler].
func (m *MAC) UnmarshalText(b []byte) error {
	v, err := ParseMAC(string(b))
	if err != nil {
		return err
	}
	*m = v
	return nil
}
