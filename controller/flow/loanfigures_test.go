package flow

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"conga/bitrate"
	"conga/controller/path"
	"conga/controller/purpose"
	"conga/controller/topology"
	"conga/openflow"
)

// onTheWay returns circuits with these rates on the way of a lending.
func onTheWay(rates ...bitrate.Rate) (list []path.Circuit) {
	for i, r := range rates {
		c := forth(fmt.Sprint(i), uint32(i+1), r)
		c.Key.DstPort = path.Port(uint16(i + 1))
		list = append(list, c)
	}
	return list
}

// terms returns what is lent in kbit/s, and what best effort is held to.
func (l *lending) terms() string {
	_, best := l.bestAt(1, 2)
	lent := map[string]uint32{}
	for id, x := range l.Lent() {
		lent[id] = x[forward]
	}
	return fmt.Sprintf("%v, best effort %v", lent, best)
}

// What is free of 100 Mbit/s goes to those that want more than their portions,
// by what they and best effort send: all of it and a quarter more while it
// fits, else the same part of each. What has its part by its rate gets no loan,
// and best effort keeps half of the spare part if it floods.
func TestWhatIsLent(t *testing.T) {
	const k, m = bitrate.Kbps, bitrate.Mbps
	for name, c := range map[string]struct {
		rates, sent []bitrate.Rate
		best        bitrate.Rate
		want        string
	}{
		"one":                   {[]bitrate.Rate{500 * k, 500 * k}, []bitrate.Rate{30 * m, 0}, 0, "map[0:35872], best effort 56.6M"},
		"beside a flood":        {[]bitrate.Rate{500 * k, 500 * k}, []bitrate.Rate{30 * m, 0}, 300 * m, "map[0:8109], best effort 82.9M"},
		"two":                   {[]bitrate.Rate{500 * k, 500 * k, 20 * m}, []bitrate.Rate{60 * m, 20 * m, 20 * m}, 30 * m, "map[0:40943 1:13647], best effort 23.2M"},
		"two floods":            {[]bitrate.Rate{500 * k, 1 * m}, []bitrate.Rate{200 * m, 20 * m}, 60 * m, "map[0:67031 1:6703], best effort 22M"},
		"as TCP":                {[]bitrate.Rate{500 * k, 1 * m, 1 * m}, []bitrate.Rate{9 * m, 80 * m, 9 * m}, 80 * m, "map[0:4748 1:42205 2:4748], best effort 44.9M"},
		"at any rate":           {[]bitrate.Rate{500 * k, 30 * m}, []bitrate.Rate{0, 60 * m}, 0, "map[1:76902], best effort 16.2M"},
		"enough by itself":      {[]bitrate.Rate{500 * k, 30 * m}, []bitrate.Rate{200 * m, 60 * m}, 300 * m, "map[0:26262], best effort 41.2M"},
		"little more than that": {[]bitrate.Rate{500 * k, 30 * m}, []bitrate.Rate{0, 31 * m}, 40 * m, "map[1:48664], best effort 44.2M"},
		"much is held":          {[]bitrate.Rate{500 * k, 500 * k, 500 * k, 500 * k, 60 * m}, []bitrate.Rate{5 * m, 5 * m, 5 * m, 0, 0}, 10 * m, "map[0:7099 1:7099 2:7099], best effort 16.2M"},
		"all is held":           {[]bitrate.Rate{500 * k, 500 * k, 79 * m}, []bitrate.Rate{50 * m, 0, 0}, 0, "map[0:8071], best effort 10M"},
		"beside a larger one":   {[]bitrate.Rate{500 * k, 500 * k, 60 * m}, []bitrate.Rate{12 * m, 0, 0}, 20 * m, "map[0:13221], best effort 23.1M"},
		"a little more":         {[]bitrate.Rate{500 * k, 500 * k}, []bitrate.Rate{6 * m, 0}, 0, "map[0:7500], best effort 83.4M"},
	} {
		l := newLending(t, onTheWay(c.rates...), c.sent, c.best)
		l.pass(t, time.Minute)
		if got := l.terms(); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

// Loans follow what is sent, within a reading of the meters and with a pause
// between; what is reserved for others lessens them at once, and what nothing
// is sent for is given back.
func TestLoansOverTime(t *testing.T) {
	const k, m = bitrate.Kbps, bitrate.Mbps
	l := newLending(t, onTheWay(500*k, 500*k, 900*k, 1100*k), make([]bitrate.Rate, 4), 0)
	var got []string
	seconds := 0
	note := func(what string) {
		if line := fmt.Sprintf("%s, lending %t", l.terms(), l.Lending()); len(got) == 0 || got[len(got)-1] != line {
			got = append(got, what, line)
		}
	}
	pass := func(n int) {
		for range n {
			if seconds++; seconds%5 == 0 {
				l.sample()
			}
			was := l.terms()
			if changed := l.second(t); changed != (l.terms() != was) {
				t.Errorf("after %d s, changed is %t", seconds, changed)
			}
			note(fmt.Sprintf("after %d s", seconds))
		}
	}
	reserve := func(id string, rate bitrate.Rate) {
		c := forth(id, uint32(90+len(id)), rate)
		c.Key.DstPort = path.Port(uint16(900 + len(id)))
		if list := []path.Circuit{c}; rate > 0 {
			l.SetCircuit(id, list)
		} else {
			l.SetCircuit(id, nil)
		}
		l.take()
	}
	note("at first")
	l.offered[0] = 30 * m
	pass(20)
	l.offered[0] = 5 * m
	pass(20)
	l.offered[2] = 100 * m
	pass(20)
	reserve("large", 40*m)
	note("40M reserved")
	reserve("larger", 30*m)
	note("30M reserved")
	pass(20)
	reserve("large", 0)
	reserve("larger", 0)
	l.best = 300 * m
	note("all but best effort leaves")
	pass(20)
	l.offered[2], l.offered[0], l.best = 0, 0, 0
	pass(60)
	if want := []string{
		"at first", "map[], best effort 88.4M, lending false",
		"after 5 s", "map[0:35861], best effort 56.7M, lending true",
		"after 30 s", "map[0:9375], best effort 81.4M, lending true",
		"after 45 s", "map[0:3864 2:77114], best effort 12.5M, lending true",
		"40M reserved", "map[0:3150 2:45015], best effort 8.3M, lending true",
		"30M reserved", "map[0:1937 2:19255], best effort 5.7M, lending true",
		"after 61 s", "map[2:15580], best effort 10.2M, lending true",
		"all but best effort leaves", "map[2:15580], best effort 76.7M, lending true",
		"after 81 s", "map[2:22593], best effort 69.3M, lending true",
		"after 101 s", "map[0:3918 2:78212], best effort 12.5M, lending true",
		"after 115 s", "map[0:1562 2:31250], best effort 61.4M, lending true",
		"after 125 s", "map[2:31250], best effort 61.4M, lending true",
		"after 130 s", "map[2:7812], best effort 84.6M, lending true",
		"after 145 s", "map[2:1953], best effort 90M, lending true",
		"after 155 s", "map[], best effort 90.7M, lending true",
	}; !slices.Equal(got, want) {
		t.Errorf("%q\nwant\n%q", got, want)
	}
}

// What a meter had to carry counts if all of it came in after the meter last
// changed, and not too long ago.
func TestLoadsThatCount(t *testing.T) {
	load := Load{At: t0.Add(30 * time.Second), Span: 5 * time.Second, Entered: 1000, Dropped: 5}
	for changed, want := range map[time.Duration]bool{0: true, 25 * time.Second: true, 25*time.Second + 1: false, 29 * time.Second: false} {
		if got := load.counts(t0.Add(changed), t0.Add(31*time.Second)); got != want {
			t.Errorf("changed after %v: %t", changed, got)
		}
	}
	for now, want := range map[time.Duration]bool{30 * time.Second: true, 50*time.Second - 1: true, 50 * time.Second: false, time.Hour: false} {
		if got := load.counts(t0, t0.Add(now)); got != want {
			t.Errorf("after %v: %t", now, got)
		}
	}
	if load.Drops() {
		t.Error("a two-hundredth is a loss")
	}
	if load.Dropped = 6; !load.Drops() || (Load{Dropped: 1}).Drops() {
		t.Error("more than a two-hundredth is no loss, or what did not come in is one")
	}
}

// Traffic that loses half as much again as all on its way is taken to want
// three times what it gets through, up to an equal share; other traffic wants
// what it sends.
func TestWhatIsWanted(t *testing.T) {
	for _, c := range []struct {
		entered, dropped bitrate.Rate
		average          float64
		equal, want      bitrate.Rate
	}{
		{1000, 0, 0, 5000, 1000},
		{1000, 5, 0, 5000, 1000}, // a two-hundredth is no loss
		{1000, 6, 0, 5000, 2982},
		{1000, 300, 0.2, 5000, 1000}, // just half as much again
		{1000, 301, 0.2, 5000, 2097},
		{1000, 301, 0.2, 1500, 1500},
		{1000, 301, 0.2, 500, 1000},
		{1000, 900, 0.2, 5000, 1000},
	} {
		if got := (Load{Entered: c.entered, Dropped: c.dropped}).wants(c.average, c.equal); got != c.want {
			t.Errorf("of %d %d lost, %g on average, %d each: %d, want %d", c.entered, c.dropped, c.average, c.equal, got, c.want)
		}
	}
}

// The end at which more is lost tells what a circuit wants, with the time of
// the later reading and the longer span; what is sent no more is forgotten by
// halves, and best effort's loads are those between changes of its meter.
func TestWhatIsMeasured(t *testing.T) {
	const k = bitrate.Kbps
	l := newLending(t, onTheWay(500*k, 500*k), make([]bitrate.Rate, 2), 0)
	policer, link := purpose.PolicerID(1), topology.PortID{DPID: 1, Port: 2}
	best, _ := purpose.PortID(2)
	var first, last, other Load
	m := l.members["0"]
	moved := m.listed[0]
	moved.Path = slices.Clone(moved.Path)
	slices.Reverse(moved.Path)
	m.listed = append(m.listed, moved)
	read := func(now time.Duration) Load {
		l.measure(func(d openflow.DPID, id openflow.MeterID) (Load, bool) {
			switch {
			case id == policer && d == 1:
				return first, !first.At.IsZero()
			case id == policer && d == 3:
				return last, !last.At.IsZero()
			case id == best && d == 1:
				return other, !other.At.IsZero()
			}
			return Load{}, false
		}, t0.Add(now))
		return m.demand.of[forward].Load
	}
	at := func(d time.Duration) time.Time { return t0.Add(d) }
	l.Dropping(1, policer)
	if m.demand == nil || !l.Lending() {
		t.Fatal("it is not looked at")
	}
	first = Load{at(10 * time.Second), 4 * time.Second, 1000, 100}
	if got := read(10 * time.Second); got != first {
		t.Errorf("of one end %+v", got)
	}
	last = Load{at(12 * time.Second), 5 * time.Second, 900, 200}
	if got := read(12 * time.Second); got != (Load{at(12 * time.Second), 5 * time.Second, 900, 200}) {
		t.Errorf("more is lost at the last: %+v", got)
	}
	first = Load{at(14 * time.Second), 6 * time.Second, 800, 400}
	if got := read(14 * time.Second); got != first {
		t.Errorf("more is lost at the first: %+v", got)
	}
	first, last = Load{at(15 * time.Second), time.Second, 600, 0}, Load{at(16 * time.Second), 2 * time.Second, 700, 0}
	if got := read(16 * time.Second); got != last {
		t.Errorf("nothing is lost, and more comes in at the last: %+v", got)
	}
	first, last = Load{at(19 * time.Second), time.Second, 10, 0}, Load{at(18 * time.Second), 2 * time.Second, 0, 0}
	if got := read(19 * time.Second); got != (Load{at(19 * time.Second), 2 * time.Second, 350, 0}) {
		t.Errorf("half of what came in before: %+v", got)
	}
	m.demand.of[forward].changed = at(30 * time.Second)
	first.At, first.Entered = at(30*time.Second), 5000
	if got := read(31 * time.Second); got.Entered != 350 {
		t.Errorf("of the time before the policer was changed: %+v", got)
	}
	first.At = at(31 * time.Second)
	if got := read(32 * time.Second); got.Entered != 350 { // the other end's span begins too early
		t.Errorf("of a time that began before the policer was changed: %+v", got)
	}
	last = Load{at(32 * time.Second), 2 * time.Second, 0, 0}
	first.At = at(32 * time.Second)
	if got := read(33 * time.Second); got.Entered != 5000 {
		t.Errorf("after that: %+v", got)
	}

	u := l.usage(link)
	u.best = bestLoad{stirred: true}
	other = Load{at(34 * time.Second), time.Second, 70, 7}
	if read(34 * time.Second); u.best.stirred || !u.best.changed.Equal(at(35*time.Second)) || u.best.Load != other {
		t.Errorf("a first load of a meter that has changed: %+v", u.best)
	}
	other = Load{at(35 * time.Second), time.Second, 60, 6}
	if read(35 * time.Second); u.best.Entered != 70 {
		t.Errorf("less than before, while it changed: %+v", u.best)
	}
	other = Load{at(36 * time.Second), time.Second, 60, 6}
	if read(36 * time.Second); u.best.Load != other {
		t.Errorf("less than before, after it has changed: %+v", u.best)
	}
	other = Load{at(36 * time.Second), time.Second, 900, 6}
	if read(time.Hour); u.best.Entered != 60 {
		t.Errorf("long ago: %+v", u.best)
	}
}

// Only so many circuits are looked at, of switches and policers that are known.
func TestWhatMayHaveLoans(t *testing.T) {
	const k = bitrate.Kbps
	l := newLending(t, onTheWay(500*k, 30*bitrate.Mbps), make([]bitrate.Rate, 2), 0)
	l.Dropping(9, purpose.PolicerID(1))
	l.Dropping(2, purpose.PolicerID(1)) // not where it is policed
	l.Dropping(1, purpose.PolicerID(7))
	l.Dropping(3, purpose.PolicerID(2)) // of the other direction
	if l.Lending() {
		t.Error("what is not known is looked at")
	}
	l.Dropping(3, purpose.BackPolicerID(2))
	if !l.Lending() || l.members["1"].demand == nil {
		t.Error("a circuit that drops is not looked at")
	}
	l.members["1"].demand.of[reverse].changed = t0
	l.Dropping(1, purpose.PolicerID(2))
	if l.members["1"].demand.of[reverse].changed.IsZero() {
		t.Error("what is looked at is forgotten")
	}
	for len(l.loans) < maxLoans-1 {
		l.loans[&member{demand: &demand{}}] = true
	}
	if l.Dropping(1, purpose.PolicerID(1)); l.members["0"].demand == nil {
		t.Error("there is room for one more")
	}
	l.members["0"].demand = nil
	if l.Dropping(1, purpose.PolicerID(1)); l.members["0"].demand != nil {
		t.Error("there are too many")
	}
}

// Only so many loans become larger in a round; the others follow.
func TestLoansAtOnce(t *testing.T) {
	rates, sent := make([]bitrate.Rate, loansAtOnce+5), make([]bitrate.Rate, loansAtOnce+5)
	for i := range rates {
		rates[i], sent[i] = 200*bitrate.Kbps, bitrate.Mbps
	}
	l := newLending(t, onTheWay(rates...), sent, 0)
	l.sample()
	for _, want := range []int{loansAtOnce, len(rates), len(rates)} {
		if l.second(t); len(l.Lent()) != want {
			t.Errorf("%d are lent to, want %d", len(l.Lent()), want)
		}
	}
	clear(l.offered)
	l.pass(t, time.Minute)
	if l.Lending() || len(l.Lent()) > 0 {
		t.Errorf("%v is lent though nothing is sent", l.Lent())
	}
}

// While nothing is known of a port, what is lent there goes on as it is.
func TestLoansOfASwitchThatIsAway(t *testing.T) {
	const k, m = bitrate.Kbps, bitrate.Mbps
	l := newLending(t, onTheWay(500*k, 500*k), []bitrate.Rate{30 * m, 0}, 0)
	l.pass(t, 10*time.Second)
	was := l.Lent()
	away := *l.snapshot
	away.Switches = maps.Clone(away.Switches)
	delete(away.Switches, 2)
	away.Revision++
	l.SetNetwork(&away)
	l.take()
	l.offered[0] = 90 * m
	for range 5 {
		l.sample()
		l.Lend(l.load, l.now)
	}
	if got := l.Lent(); !maps.Equal(got, was) || len(was) != 1 {
		t.Errorf("%v is lent, before %v", got, was)
	}
}

// What loses much more than all do on average is lent what it would send if it
// were not held back, until it is known not to.
func TestLoanToWhatIsHeldBack(t *testing.T) {
	const k, m = bitrate.Kbps, bitrate.Mbps
	l := newLending(t, onTheWay(500*k, 500*k), []bitrate.Rate{6 * m, 0}, 60*m)
	l.pass(t, 5*time.Second)
	if got := l.terms(); got != "map[0:15941], best effort 75.5M" {
		t.Error(got)
	}
	l.pass(t, time.Minute)
	if got := l.terms(); got != "map[0:7500], best effort 83.4M" {
		t.Error(got)
	}
}

// What is shared of a link is what is free and what its borrowers reserve, by
// what these and best effort want, of which what loses much more than all do
// wants more than it sends; what has its part by its rate is set apart.
func TestWhatIsShared(t *testing.T) {
	const k, m = bitrate.Kbps, bitrate.Mbps
	l := newLending(t, onTheWay(500*k, 500*k, 20*m), make([]bitrate.Rate, 3), 0)
	link := topology.PortID{DPID: 1, Port: 2}
	borrowers := []borrower{{l.members["0"], forward}, {l.members["1"], forward}, {l.members["2"], forward}}
	sharing := func(best Load, loads ...Load) sharing {
		for i, load := range loads {
			borrowers[i].m.demand = &demand{of: [directions]need{forward: {Load: load}}}
		}
		l.usage(link).best.Load = best
		return l.sharing(link, borrowers[:len(loads)])
	}
	// Of 79M that are not reserved a sixteenth is kept for rounding.
	const free = 79*m - 79*m/16 + 1*m
	got := sharing(Load{At: t0, Entered: 30 * m}, Load{Entered: 10 * m, Dropped: 4 * m}, Load{Entered: 20 * m})
	if got.free != free || got.others != 0 || got.average != 4.0/60 || got.equal != free/3 || got.sum != (18+20+30)*m || got.short != 1 || !slices.Equal(got.wants, []bitrate.Rate{18 * m, 20 * m}) {
		t.Errorf("%+v", got)
	}
	got = sharing(Load{}, Load{Entered: 10 * m}, Load{Entered: 20 * m})
	if got.sum != 30*m+free/2 || got.average != 0 || got.short != 0 {
		t.Errorf("nothing is known of best effort: %+v", got)
	}
	got = sharing(Load{At: t0}, Load{Entered: 10 * m}, Load{Entered: 20 * m})
	if got.sum != 30*m+l.kept(link, 2) {
		t.Errorf("best effort sends nothing: %+v", got)
	}
	got = sharing(Load{At: t0, Entered: 200 * m}, Load{Entered: 60 * m, Dropped: 30 * m}, Load{Entered: 60 * m, Dropped: 30 * m}, Load{Entered: 30 * m, Dropped: 1 * m})
	if want := free; got.free != want || got.sum != 320*m || !slices.Equal(got.wants, []bitrate.Rate{60 * m, 60 * m, 0}) {
		t.Errorf("one has its part by its rate: %+v, of %v", got, want)
	}
}
