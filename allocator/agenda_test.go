package allocator

import (
	"errors"
	"testing"
	"time"

	"conga/controller/path"
)

// TestLostPathIsNoticedInTime: the scheduler, which waits for the moment that
// Due has named, is woken when a planned path is to be looked at before that.
func TestLostPathIsNoticedInTime(t *testing.T) {
	w, direct, _ := ring(t)
	r := ask(1, 1, 2, 1, 5, 600)
	r.StartTime = w.now + 3600
	v := w.create(r)
	w.work()
	w.change(cut(direct))
	if _, next := w.a.Due(10); path.SecondsOf(next) != r.StartTime {
		t.Fatalf("due at %v", next)
	}
	w.awake()
	w.plan()
	if !w.awake() {
		t.Error("nothing says that it is due earlier now")
	}
	if _, next := w.a.Due(10); path.SecondsOf(next) != r.StartTime-planNear {
		t.Errorf("due at %v", next)
	}
	w.now = r.StartTime - planNear
	w.work()
	if p := w.get(v.ID).Path; len(p) != 3 {
		t.Errorf("its path is %v", p)
	}
}

// TestLostPathIsNoticedAfterAStep: a planned path that is lost gets another
// before its start also if the clock is set to within the last minute, and one
// that is turned to its backup waits as long as before for its first path.
func TestLostPathIsNoticedAfterAStep(t *testing.T) {
	for _, left := range []Seconds{planNear, planNear - 1, 5, 1} {
		w, direct, _ := ring(t)
		r := ask(1, 1, 2, 1, 5, 600)
		r.StartTime = w.now + 3600
		v := w.create(r)
		w.work()
		w.change(cut(direct))
		w.work()
		before := w.now
		w.now = r.StartTime - left
		w.a.ClockSet(time.Duration(w.now-before) * time.Second)
		w.work()
		if p := w.get(v.ID).Path; len(p) != 3 {
			t.Errorf("%d s before its start its path is %v", left, p)
		}
	}
	w, direct, _ := ring(t)
	r := ask(1, 1, 2, 1, 5, 2*3600)
	r.Protected = true
	v := w.create(r)
	w.work()
	w.change(cut(direct))
	w.work()
	w.change(mend(direct, 10))
	w.work()
	w.now += 3600
	w.a.ClockSet(time.Hour)
	w.work()
	if got := w.get(v.ID); !got.Swapped {
		t.Errorf("the first path is used again at once: %+v", got)
	}
	w.pass(Seconds(revertAfter/time.Second) + 1)
	if got := w.get(v.ID); got.Swapped {
		t.Errorf("the first path is not used again: %+v", got)
	}
}

// TestFailedIsTriedSoonerAfterAChange: what could neither be installed nor
// taken out has its window when that is tried again, and an earlier one as soon
// as the network has changed.
func TestFailedIsTriedSoonerAfterAChange(t *testing.T) {
	w, _ := pair(t)
	id := w.create(ask(1, 1, 2, 1, 6, 20)).ID
	tasks, _ := w.a.Due(10)
	if len(tasks) != 1 || tasks[0].Do != Install {
		t.Fatalf("due is %+v", tasks)
	}
	if err := w.a.Failed(tasks[0], errors.New("table full"), (w.now + 45).Time()); err != nil {
		t.Fatal(err)
	}
	w.now += 20
	w.plan()
	if tasks, _ = w.a.Due(10); len(tasks) != 1 || tasks[0].Do != Remove {
		t.Fatalf("due at the end is %+v", tasks)
	}
	if err := w.a.Failed(tasks[0], errors.New("switch busy"), (w.now + 45).Time()); err != nil {
		t.Fatal(err)
	}
	w.plan()
	w.expect(id, Pending, span(65, 85))
	w.now += 5
	w.a.NetworkChanged() // a circuit has come back, say
	w.work()
	w.expect(id, Active, span(25, 45))
}

// TestNextAction: what an allocation needs next, and when.
func TestNextAction(t *testing.T) {
	inSwitches := func(it *item) {
		c := it.record().circuitAt(1500)
		it.own().network, it.own().confirmed = []installed{{c, it.window()}}, c
	}
	pending := func(r *record) { r.State, r.Started = Pending, false }
	nowhere := func(r *record) { pending(r); r.Path, r.Window = nil, Window{} }
	bytes := func(r *record) { r.Volume, r.Deadline = 1000, 3000 }
	all := func(fs ...func(*record)) func(*record) {
		return func(r *record) {
			for _, f := range fs {
				f(r)
			}
		}
	}
	retry := func(s Seconds) func(*item) { return func(it *item) { it.own().retry = nanosOf(s) } }
	late := func(s Seconds) func(*item) { return func(it *item) { inSwitches(it); retry(s)(it) } }
	leased := func(end Seconds) func(*record) { return func(r *record) { r.Lease, r.LeaseEnd = 60, end } }
	for name, x := range map[string]struct {
		record func(*record) // of what is active in [1000, 2000)
		item   func(*item)
		now    Seconds
		what   Action
		at     Seconds // never: at no time
	}{
		"planned":                        {pending, nil, 500, Install, 1000},
		"planned, tried again":           {pending, retry(1200), 1100, Install, 1200},
		"planned, tried before":          {pending, retry(800), 900, Install, 1000},
		"planned, tried at the end":      {pending, retry(2000), 1100, Expire, 2000},
		"planned, parked":                {pending, func(it *item) { it.parked = true }, 1100, Expire, 2000},
		"planned, held":                  {all(pending, func(r *record) { r.Hold, r.LeaseEnd = 60, 1500 }), nil, 1100, Expire, 1500},
		"planned, its lease ends first":  {all(pending, leased(800)), nil, 500, Expire, 800},
		"planned, its lease ends then":   {all(pending, leased(1000)), nil, 500, Install, 1000},
		"planned, its lease has ended":   {all(pending, leased(1400)), nil, 1500, Expire, 1400},
		"planned, its lease ends later":  {all(pending, leased(1600)), nil, 1500, Install, 1000},
		"missed":                         {pending, nil, 2000, Nothing, never},
		"missed, with a start":           {all(pending, func(r *record) { r.StartTime = 1000 }), nil, 2000, Expire, 2000},
		"missed, in time":                {all(pending, func(r *record) { r.Deadline = 3500 }), nil, 2500, Nothing, 2501},
		"missed, too late":               {all(pending, func(r *record) { r.Deadline = 3000 }), nil, 2500, Expire, 2001},
		"missed, in the switches":        {pending, inSwitches, 2000, Remove, 2000},
		"waits":                          {nowhere, nil, 500, Nothing, never},
		"waits, with a start":            {all(nowhere, func(r *record) { r.StartTime = 1000 }), nil, 500, Expire, 2000},
		"waits, with a deadline":         {all(nowhere, func(r *record) { r.Deadline = 5000 }), nil, 500, Expire, 4001},
		"waits, with a lease":            {all(nowhere, leased(700)), nil, 500, Expire, 700},
		"runs":                           {nil, inSwitches, 1500, Remove, 2000},
		"runs, and has failed":           {nil, late(2500), 1500, Remove, 2000},
		"runs, its removal has failed":   {nil, func(it *item) { late(2500)(it); it.removing = true }, 2100, Remove, 2500},
		"runs, not confirmed":            {nil, retry(1550), 1500, Install, 1550},
		"runs, no lease any more":        {leased(1500), inSwitches, 1600, Remove, 2000},
		"runs, with a lease":             {func(r *record) { r.ActiveLease, r.LeaseEnd = 60, 1700 }, inSwitches, 1500, Remove, 1700},
		"runs, its lease has ended":      {func(r *record) { r.ActiveLease, r.LeaseEnd = 60, 1700 }, late(1800), 1750, Remove, 1800},
		"has lost its path":              {func(r *record) { r.State, r.Path = Pending, nil }, nil, 1500, Expire, 2000},
		"has lost its path, a volume":    {all(bytes, func(r *record) { r.State, r.Path = Pending, nil }), nil, 1500, Expire, 3000},
		"has lost its path, in switches": {func(r *record) { r.State = Pending; r.Path = nil }, late(1600), 1500, Remove, 1600},
		"runs, a volume":                 {bytes, inSwitches, 1500, Remove, 2000},
		"runs, in steps":                 {func(r *record) { r.Profile = []Step{{Window{1000, 1600}, 5}, {Window{1600, 2000}, 7}} }, inSwitches, 1500, Install, 1600},
		"runs, in its last step":         {func(r *record) { r.Profile = []Step{{Window{1000, 1400}, 5}, {Window{1400, 2000}, 7}} }, inSwitches, 1500, Remove, 2000},
		"is being moved":                 {func(r *record) { r.Reason = moving }, late(1550), 1500, Install, 1550},
		"is complete":                    {func(r *record) { r.State = Complete }, nil, 1500, Nothing, never},
		"is deleted":                     {nil, func(it *item) { it.deleted = true; retry(1900)(it) }, 1500, Expire, 1900},
		"is deleted, in the switches":    {nil, func(it *item) { late(1900)(it); it.deleted = true }, 1500, Remove, 0},
		"is deleted, and that has failed": {nil, func(it *item) {
			late(1900)(it)
			it.deleted, it.removing = true, true
		}, 1500, Remove, 1900},
	} {
		r := record{Version: recordVersion, Seq: 1, Allocation: Allocation{
			ID: "a", Handle: 1, State: Active, Started: true, Window: Window{1000, 2000}, Path: path.Path{{DPID: 1, In: 1, Out: 2}}, Request: ask(1, 1, 2, 1, 5, 1000),
		}}
		if x.record != nil {
			x.record(&r)
		}
		it := newExtra().newItem()
		it.pack(&r)
		if it.exists = true; x.item != nil {
			x.item(it)
		}
		at := nanosOf(x.at)
		if x.at == never {
			at = neverNanos
		}
		if what, when := it.nextAction(nanosOf(x.now)); what != x.what || when != at {
			t.Errorf("%s: %d at %d, want %d at %d", name, what, when/1e9, x.what, at/1e9)
		}
	}
}
