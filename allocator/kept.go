package allocator

import (
	"crypto/sha256"
	"encoding/hex"
	"math"
	"net/netip"
	"slices"
	"unique"

	"conga/controller/path"
	"conga/controller/topology"
	"conga/openflow"
)

// kept is the committed state of an entry in as little memory as it takes, since there
// may be a million. What most allocations lack is in extra, as is what does not fit:
// times are kept in 32 bits, which last until 2106.
type kept struct {
	number    uint64 // order of creation
	revision  uint64
	ident     ident
	bandwidth topology.BitRate
	who       unique.Handle[owner]
	reason    unique.Handle[string]
	way       string          // the hops, see wayBook; "" is no path
	src, dst  [4]byte         // of an IPv4 key
	in, out   openflow.PortNo // edge ports of the path

	created, start, from, to, duration uint32

	handle           uint32
	srcPort, dstPort uint16
	proto            uint8
	stage            stage
	started          bool
}

// owner is whose an allocation is. Many have the same.
type owner struct{ user, project string }

// ident is an ID in sixteen bytes: those of the UUID that it is, or of its hash.
type ident [16]byte

// identOf is the ident of an ID; exact is true if the ID can be made of it again.
func identOf(id string) (i ident, exact bool) {
	if i, ok := parseUUID(id); ok {
		return i, true
	}
	sum := sha256.Sum256([]byte(id))
	return ident(sum[:16]), false
}

// uuidDashes are where a UUID has its dashes.
var uuidDashes = [4]int{8, 13, 18, 23}

func parseUUID(s string) (i ident, ok bool) {
	if len(s) != 36 {
		return i, false
	}
	var digits [32]byte
	n := 0
	for at := range 36 {
		c := s[at]
		switch {
		case at == 8 || at == 13 || at == 18 || at == 23:
			if c != '-' {
				return i, false
			}
			continue
		case c >= 'A' && c <= 'F':
			return i, false // it would not come out as it went in
		}
		digits[n] = c
		n++
	}
	_, err := hex.Decode(i[:], digits[:])
	return i, err == nil
}

func (i ident) String() string {
	var text [36]byte
	digits := hex.AppendEncode(make([]byte, 0, 32), i[:])
	at := 0
	for _, dash := range uuidDashes {
		n := copy(text[at:dash], digits)
		digits, text[dash], at = digits[n:], '-', dash+1
	}
	copy(text[at:], digits)
	return string(text[:])
}

// stage is a [State] in one byte.
type stage uint8

var stages = [...]State{0: "", 1: Pending, 2: Active, 3: Complete}

func stageOf(s State) stage {
	for i, known := range stages {
		if s == known {
			return stage(i)
		}
	}
	return 0
}

// keep makes r the committed state.
func (e *entry) keep(r *record) {
	k := &e.kept
	k.number, k.revision, k.handle = r.Seq, r.Revision, r.Handle
	k.stage, k.started, k.bandwidth = stageOf(r.State), r.Started, r.Bandwidth
	k.who, k.reason = unique.Make(owner{r.UserID, r.ProjectID}), unique.Make(r.Reason)
	k.proto, k.srcPort, k.dstPort = r.Key.Proto, r.Key.SrcPort, r.Key.DstPort
	way, fits := e.ways.pack(r.Path)
	if k.way != way {
		k.way = way
	}
	if k.in, k.out = 0, 0; len(r.Path) > 0 {
		k.in, k.out = r.Path[0].In, r.Path[len(r.Path)-1].Out
	}
	for _, t := range []struct {
		to   *uint32
		from int64
	}{{&k.created, r.Created}, {&k.start, r.StartTime}, {&k.from, r.Window.Start}, {&k.to, r.Window.End}, {&k.duration, r.Duration}} {
		*t.to = uint32(t.from)
		fits = fits && t.from >= 0 && t.from <= math.MaxUint32
	}
	var rare rare
	var exact bool
	if k.ident, exact = identOf(r.ID); !exact {
		rare.id = r.ID
	}
	if r.Key.Src.Is4() && r.Key.Dst.Is4() {
		k.src, k.dst = r.Key.Src.As4(), r.Key.Dst.As4()
	} else {
		rare.src, rare.dst = r.Key.Src, r.Key.Dst
	}
	rare.lease, rare.leaseEnd, rare.done = r.Lease, r.LeaseEnd, r.Done
	if !fits {
		full := *r
		full.Path = slices.Clone(r.Path)
		rare.full = &full
	}
	if rare != e.rare {
		e.own().rare = rare
	}
	if e.extra != e.none {
		whole := *r
		e.extra.record = &whole
	}
}

// rare is what of the committed state most allocations do not have.
type rare struct {
	id                    string // that is no UUID
	src, dst              netip.Addr
	lease, leaseEnd, done int64
	full                  *record // all of it, if a time does not fit
}

// record is the committed state. It must not be changed: changes go through
// [Allocator.begin].
func (e *entry) record() *record {
	if e.extra.record != nil {
		return e.extra.record
	}
	return e.unfold()
}

// unfold makes a record of what is kept.
func (e *entry) unfold() *record {
	if e.rare.full != nil {
		r := *e.rare.full
		r.Path = e.path()
		return &r
	}
	k := &e.kept
	who := k.who.Value()
	return &record{
		Version: recordVersion, Seq: k.number, Started: k.started, Done: e.rare.done,
		Allocation: Allocation{
			ID: e.id(), Handle: k.handle, Revision: k.revision, Created: int64(k.created),
			Request: Request{
				UserID: who.user, ProjectID: who.project, Key: e.key(), Duration: int64(k.duration),
				Bandwidth: k.bandwidth, StartTime: int64(k.start), Lease: e.rare.lease,
			},
			LeaseEnd: e.rare.leaseEnd, State: e.state(), Reason: k.reason.Value(), Window: e.window(), Path: e.path(),
		},
	}
}

// seq is its place in the order of creation.
func (e *entry) seq() uint64 { return e.number }

// state is its committed state.
func (e *entry) state() State { return stages[e.stage] }

func (e *entry) project() string { return e.who.Value().project }

func (e *entry) id() string {
	if e.rare.id != "" {
		return e.rare.id
	}
	return e.ident.String()
}

func (e *entry) window() Window {
	if e.rare.full != nil {
		return e.rare.full.Window
	}
	return Window{int64(e.from), int64(e.to)}
}

func (e *entry) key() path.FlowKey {
	k := path.FlowKey{Src: e.rare.src, Dst: e.rare.dst, Proto: e.proto, SrcPort: e.srcPort, DstPort: e.dstPort}
	if !k.Src.IsValid() && !k.Dst.IsValid() {
		k.Src, k.Dst = netip.AddrFrom4(e.src), netip.AddrFrom4(e.dst)
	}
	return k
}

// path is the path, the caller's to keep; nil if there is none.
func (e *entry) path() path.Path {
	if e.rare.full != nil {
		return slices.Clone(e.rare.full.Path)
	}
	p := e.ways.unpack(e.way)
	if len(p) > 0 {
		p[0].In, p[len(p)-1].Out = e.in, e.out
	}
	return p
}

// ends are the edge ports of the path.
func (e *entry) ends() (ports [2]topology.PortID) {
	if e.rare.full != nil {
		ports[0], ports[1] = pathEnds(e.rare.full.Path)
	} else if n := len(e.way); n > 0 {
		ports[0] = topology.PortID{DPID: e.ways.hop(e.way).DPID, Port: e.in}
		ports[1] = topology.PortID{DPID: e.ways.hop(e.way[n-numberSize:]).DPID, Port: e.out}
	}
	return ports
}

// placed is that of the committed state.
func (e *entry) placed(now int64) bool {
	if e.rare.full != nil {
		return e.rare.full.placed(now)
	}
	return e.hasPath() && (e.started || int64(e.start) >= now || int64(e.from) <= now)
}

// lapse is that of the committed state.
func (e *entry) lapse() (at int64, may bool) {
	return e.rare.leaseEnd, e.rare.leaseEnd != 0 && e.state() == Pending && !e.started
}

// hasPath reports whether there is a path.
func (e *entry) hasPath() bool { return e.way != "" || e.rare.full != nil && len(e.rare.full.Path) > 0 }
