package allocator

import (
	"encoding/binary"
	"net/netip"
	"slices"

	"conga/bitrate"
	"conga/controller/path"
	"conga/openflow"
)

// decoder reads fields one after the other. After the end it reads zeros, and
// cut is true.
type decoder struct {
	rest []byte
	cut  bool
	id   string // that the record is likely to have

	// For many records, so that what they have in common is kept once.
	names map[string]string // not nil: names that were read
	hops  path.Path         // with names: that of the last record, which the next one takes
}

func (d *decoder) skip(n int) []byte {
	if n < 0 || n > len(d.rest) {
		d.cut, d.rest = true, nil
		return nil
	}
	read := d.rest[:n]
	d.rest = d.rest[n:]
	return read
}

func (d *decoder) number() uint64 {
	v, n := binary.Uvarint(d.rest)
	if n <= 0 {
		n = -1
	}
	d.skip(n)
	return v
}

func (d *decoder) signed() int64 {
	v, n := binary.Varint(d.rest)
	if n <= 0 {
		n = -1
	}
	d.skip(n)
	return v
}

// below returns a number that must be less than end; else it returns 0 and sets
// cut.
func (d *decoder) below(end uint64) uint64 {
	v := d.number()
	if v >= end {
		d.skip(-1)
		return 0
	}
	return v
}

func (d *decoder) text() []byte { return d.skip(int(d.below(1 << 31))) }

// name returns a text that other records may have as well.
func (d *decoder) name() string {
	text := d.text()
	if s, ok := d.names[string(text)]; ok {
		return s
	}
	s := string(text)
	if d.names != nil {
		d.names[s] = s
	}
	return s
}

// hopsInto returns a path that is read into what room returns; nil if it has no
// hops.
func (d *decoder) hopsInto(room func(n int) path.Path) (p path.Path) {
	if n := d.below(uint64(len(d.rest)) + 1); n > 0 { // a hop takes three bytes at least
		p = room(int(n))
	}
	for i := range p {
		p[i] = path.Hop{DPID: openflow.DPID(d.number()), In: openflow.PortNo(d.below(1 << 32)), Out: openflow.PortNo(d.below(1 << 32))}
	}
	return p
}

// path returns room for a path of n hops.
func (d *decoder) path(n int) path.Path {
	if d.names == nil {
		return make(path.Path, n)
	}
	d.hops = slices.Grow(d.hops[:0], n)[:n]
	return d.hops
}

func (d *decoder) addr() netip.Addr {
	a, ok := netip.AddrFromSlice(d.text())
	if !ok {
		return netip.Addr{}
	}
	return a
}

// several reads several ports into p, if there are.
func (d *decoder) several(p *path.Ports) {
	text := d.text()
	if len(text) == 0 {
		return
	}
	ports, err := path.ParsePorts(string(text))
	if *p = ports; err != nil {
		d.skip(-1)
	}
}

// widen reads how many of an address's last bits are open, of which p is the
// host with all of them 0.
func (d *decoder) widen(p *path.Prefix) {
	b := d.skip(1)
	if len(b) == 0 || b[0] == 0 {
		return
	}
	host, bits := *p, p.Bits()-int(b[0])
	if bits < 0 || !p.IsValid() {
		d.skip(-1)
		return
	}
	if *p = p.Widen(bits); p.Addr() != host.Addr() {
		d.skip(-1)
	}
}

// profile reads the steps of a profile; nil if there are none.
func (d *decoder) profile() (steps []Step) {
	n := d.below(MaxProfile + 1)
	if n == 0 {
		return nil
	}
	at := Seconds(d.signed())
	for range n {
		s := Step{Window{at, at + Seconds(d.below(MaxDuration+1))}, bitrate.Rate(d.below(1 << 62))}
		if s.empty() || s.Rate == 0 {
			d.skip(-1)
			return nil
		}
		at, steps = s.End, append(steps, s)
	}
	return steps
}

func (d *decoder) port() uint16 {
	b := d.skip(2)
	if len(b) < 2 {
		return 0
	}
	return binary.BigEndian.Uint16(b)
}
