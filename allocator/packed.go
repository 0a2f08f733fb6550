package allocator

import (
	"crypto/sha256"
	"encoding/hex"
	"math"
	"net/netip"
	"slices"
	"unique"

	"conga/bitrate"
	"conga/controller/path"
	"conga/controller/topology"
	"conga/openflow"
)

// packed is the committed state of an item in as little memory as it takes,
// since there may be a million. What most allocations lack is in extra, as is
// what does not fit: times are kept in 32 bits, which last until 2106.
type packed struct {
	number     uint64 // order of creation
	revision   uint64
	ident      ident
	bandwidth  bitrate.Rate
	who        unique.Handle[owner]
	reason     unique.Handle[string]
	packedPath string          // the hops, see wayBook; "" is no path
	src, dst   [4]byte         // of two hosts of IPv4
	in, out    openflow.PortNo // edge ports of the path

	created, start, from, to, duration uint32

	handle           uint32
	srcPort, dstPort uint16
	proto            uint8
	code             stateCode
	started          bool
}

// owner is the user and the project that an allocation belongs to. Many have
// the same.
type owner struct{ user, project string }

// ident is an ID in sixteen bytes: those of the UUID that it is, or of its
// hash.
type ident [16]byte

// identOf returns the ident of an ID; exact is true if the ID can be made of it
// again.
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

// stateCode is a [State] in one byte.
type stateCode uint8

var stateOf = [...]State{0: "", 1: Pending, 2: Active, 3: Complete}

func codeOf(s State) stateCode {
	for i, known := range stateOf {
		if s == known {
			return stateCode(i)
		}
	}
	return 0
}

// pack makes r the committed state.
func (it *item) pack(r *record) {
	k := &it.packed
	k.number, k.revision, k.handle = r.Seq, r.Revision, r.Handle
	k.code, k.started, k.bandwidth = codeOf(r.State), r.Started, r.Bandwidth
	k.who, k.reason = unique.Make(owner{r.UserID, r.ProjectID}), unique.Make(r.Reason)
	var several portPair
	k.proto = r.Key.Proto
	k.srcPort, several.src = onePort(r.Key.SrcPort)
	k.dstPort, several.dst = onePort(r.Key.DstPort)
	way, fits := it.hops.pack(r.Path)
	if k.packedPath != way {
		k.packedPath = way
	}
	if k.in, k.out = 0, 0; len(r.Path) > 0 {
		k.in, k.out = r.Path[0].In, r.Path[len(r.Path)-1].Out
	}
	for _, t := range []struct {
		to   *uint32
		from Seconds
	}{{&k.created, r.Created}, {&k.start, r.StartTime}, {&k.from, r.Window.Start}, {&k.to, r.Window.End}, {&k.duration, r.Duration}} {
		*t.to = uint32(t.from)
		fits = fits && t.from >= 0 && t.from <= math.MaxUint32
	}
	rare := rare{several: several}
	var exact bool
	if k.ident, exact = identOf(r.ID); !exact {
		rare.id = r.ID
	}
	if r.Key.Hosts() && r.Key.Src.Is4() && r.Key.Dst.Is4() {
		k.src, k.dst = r.Key.Src.Addr().As4(), r.Key.Dst.Addr().As4()
	} else {
		rare.src, rare.dst = r.Key.Src, r.Key.Dst
	}
	rare.lease, rare.activeLease, rare.leaseEnd, rare.done, rare.changedBy, rare.asked = r.Lease, r.ActiveLease, r.LeaseEnd, r.Done, r.ChangedBy, r.Asked
	rare.protected, rare.swapped, rare.series, rare.recurrence, rare.class = r.Protected, r.Swapped, r.Series, r.Recurrence, r.Class
	rare.leeway, rare.constraints, rare.carried, rare.since, rare.reverse, rare.hold = r.Leeway, r.Constraints, r.Carried, r.Since, r.Reverse, r.Hold
	if !fits {
		full := *r
		full.Path = slices.Clone(r.Path)
		rare.full = &full
	}
	if rare != it.rare {
		it.own().rare = rare
	}
	it.packLists(r)
	if it.extra != it.none {
		whole := *r
		it.extra.record = &whole
	}
}

// packLists keeps what of a record is a list, and most lack.
func (it *item) packLists(r *record) {
	if len(r.Lost) > 0 || len(it.lost) > 0 {
		it.own().lost = slices.Clone(r.Lost)
	}
	if len(r.Backup) > 0 || len(it.backup) > 0 {
		it.own().backup = slices.Clone(r.Backup)
	}
	if len(r.Profile) > 0 || len(it.profile) > 0 {
		it.own().profile = slices.Clone(r.Profile)
	}
}

// rare is what of the committed state most allocations do not have.
type rare struct {
	id                    string      // that is no UUID
	src, dst              path.Prefix // of a key that is not between two hosts of IPv4
	several               portPair
	lease, leaseEnd, done Seconds
	activeLease, hold     Seconds
	leeway                Leeway
	constraints           Constraints
	reverse               path.Reverse
	protected, swapped    bool
	class                 Class
	carried               uint64
	since                 Seconds
	asked                 uint64
	series                string
	recurrence            Recurrence
	changedBy             string
	full                  *record // all of it, if a time does not fit
}

// record returns the committed state. It must not be changed: changes go
// through [Allocator.beginLocked].
func (it *item) record() *record {
	if it.extra.record != nil {
		return it.extra.record
	}
	return it.unpack()
}

// unpack returns a record made of what is kept.
func (it *item) unpack() *record {
	if it.rare.full != nil {
		r := *it.rare.full
		r.Path, r.Lost, r.Backup, r.Profile = it.path(), slices.Clone(it.lost), slices.Clone(it.backup), slices.Clone(it.profile)
		return &r
	}
	k := &it.packed
	who := k.who.Value()
	return &record{
		Version: recordVersion, Seq: k.number, Done: it.rare.done, Asked: it.rare.asked, Lost: slices.Clone(it.lost),
		Carried: it.rare.carried, Since: it.rare.since,
		Allocation: Allocation{
			ID: it.id(), Handle: k.handle, Revision: k.revision, Created: Seconds(k.created),
			Request: Request{
				UserID: who.user, ProjectID: who.project, Key: it.key(), Duration: Seconds(k.duration),
				Bandwidth: k.bandwidth, StartTime: Seconds(k.start), Lease: it.rare.lease, ActiveLease: it.rare.activeLease, Leeway: it.rare.leeway, Constraints: it.rare.constraints,
				Reverse: it.rare.reverse, Hold: it.rare.hold, Protected: it.rare.protected, Recurrence: it.rare.recurrence, Class: it.rare.class,
			},
			Series:    it.rare.series,
			ChangedBy: it.rare.changedBy, LeaseEnd: it.rare.leaseEnd, State: it.state(), Started: k.started, Reason: k.reason.Value(), Window: it.window(), Path: it.path(),
			Backup: slices.Clone(it.backup), Swapped: it.rare.swapped, Profile: slices.Clone(it.profile),
		},
	}
}

// seq returns the item's number in the order of creation.
func (it *item) seq() uint64 { return it.number }

// asked returns the item's number in the order in which allocations asked for
// what they ask for now: one that has grown has asked when it grew.
func (it *item) asked() uint64 {
	if it.rare.asked != 0 {
		return it.rare.asked
	}
	return it.number
}

// state returns the committed state.
func (it *item) state() State { return stateOf[it.code] }

func (it *item) project() string { return it.who.Value().project }

func (it *item) id() string {
	if it.rare.id != "" {
		return it.rare.id
	}
	return it.ident.String()
}

func (it *item) window() Window {
	if it.rare.full != nil {
		return it.rare.full.Window
	}
	return Window{Seconds(it.from), Seconds(it.to)}
}

func (it *item) key() path.FlowKey {
	k := path.FlowKey{Src: it.rare.src, Dst: it.rare.dst, Proto: it.proto, SrcPort: it.rare.several.src, DstPort: it.rare.several.dst}
	if it.srcPort != 0 {
		k.SrcPort = path.Port(it.srcPort)
	}
	if it.dstPort != 0 {
		k.DstPort = path.Port(it.dstPort)
	}
	if !k.Src.IsValid() && !k.Dst.IsValid() {
		k.Src, k.Dst = path.Host(netip.AddrFrom4(it.src)), path.Host(netip.AddrFrom4(it.dst))
	}
	return k
}

// onePort returns the port if it is one, else all of them.
func onePort(p path.Ports) (one uint16, several path.Ports) {
	if n, ok := p.One(); ok {
		return n, path.Ports{}
	}
	return 0, p
}

// ownedKey returns the traffic that it has, and whose that is.
func (it *item) ownedKey() ownedKey {
	return ownedKey{canonical(it.key()), keyOwner{unique.Make(it.project()), it.bandwidth > 0}}
}

// path returns the path, the caller's to keep; nil if there is none.
func (it *item) path() path.Path {
	if it.rare.full != nil {
		return slices.Clone(it.rare.full.Path)
	}
	p := it.hops.unpack(it.packedPath)
	if len(p) > 0 {
		p[0].In, p[len(p)-1].Out = it.in, it.out
	}
	return p
}

// ends returns the edge ports of the path, which must not be empty.
func (it *item) ends() [2]topology.PortID {
	if it.rare.full != nil {
		first, last := it.rare.full.Path.Ends()
		return [2]topology.PortID{first, last}
	}
	last := it.hops.hop(it.packedPath[len(it.packedPath)-numberSize:])
	return [2]topology.PortID{
		{DPID: it.hops.hop(it.packedPath).DPID, Port: it.in},
		{DPID: last.DPID, Port: it.out},
	}
}

// placed reports what [record.placed] does of the committed state.
func (it *item) placed(now Seconds) bool {
	return it.hasPath() && it.life().placed(now)
}

// lapse returns what [record.lapse] does of the committed state.
func (it *item) lapse() (at Seconds, may bool) {
	return it.rare.leaseEnd, it.state() != Complete && lapses(it.rare.leaseEnd, it.started, it.rare.activeLease)
}

// hasPath reports whether there is a path.
func (it *item) hasPath() bool {
	return it.packedPath != "" || it.rare.full != nil && len(it.rare.full.Path) > 0
}
