package trespass

import (
	"strings"
	"syscall"
	"time"
)

// missedEarliest: what is to run as early as it fits, and was planned for a time
// in which the daemon was down, runs afterwards.
func missedEarliest(l *lab) {
	l.up()
	alice := l.login("alice", "astro")
	alice.active(l.body("astro", "h1", "h3", 3, fields{"bandwidth": 60_000_000}))
	id := alice.create(l.body("astro", "h1", "h4", 3, fields{"bandwidth": 60_000_000}))
	end := int64(alice.details(id).number("end_time"))
	l.daemon.Stop(syscall.SIGTERM)
	l.within(time.Minute, func() bool { return after(0) > end })
	l.start(l.rest)
	alice = l.login("alice", "astro")
	if !l.within(20*time.Second, func() bool { return alice.details(id).text("state") == "active" }) {
		l.fault("planned for a time in which the daemon was down, it never runs: %s", alice.details(id).body)
	}
}

// missedFixed: a fixed window to a host that is not known ends with it, and with
// the reason.
func missedFixed(l *lab) {
	l.up()
	alice := l.login("alice", "astro")
	body := l.body("astro", "h1", "h3", 2, fields{"start_time": after(1)})
	body["dst_ip"] = "10.0.0.99"
	id := alice.create(body)
	if !l.within(6*time.Second, func() bool { return alice.details(id).text("state") == "complete" }) || alice.details(id).first("reason") == nil {
		l.fault("after a fixed window that was missed: %s", alice.details(id).body)
	}
}

// reasonOfThePlanned: what is planned says what it waits for.
func reasonOfThePlanned(l *lab) {
	l.up()
	alice, bob := l.login("alice", "astro"), l.login("bob", "bio")
	bob.active(l.body("bio", "h1", "h3", 365*86400, nil))
	for _, body := range []fields{
		l.body("astro", "h1", "h3", 60, nil),
		l.body("astro", "h1", "h4", 60, fields{"bandwidth": 60_000_000, "start_time": after(60)}),
	} {
		if got := alice.details(alice.create(body)); got.first("reason") == nil {
			l.fault("what is planned has no reason: %s", got.body)
		}
	}
}

// slower has links that carry less than common's.
const slower = `
network:
  default_capacity: 1G
  links:
    - {a: "0000000000000001:3", b: "0000000000000002:1", capacity: 40M}
    - {a: "0000000000000001:4", b: "0000000000000003:1", capacity: 40M}
directory:
  projects: [{id: astro, members: [alice, adam]}, {id: bio, members: [bob]}]
  allow_passwordless: true
`

// lessCapacity: what is planned for more than the links come to carry says so
// once it runs, and may be made smaller.
func lessCapacity(l *lab) {
	l.up()
	alice := l.login("alice", "astro")
	start := after(5)
	id := alice.create(l.body("astro", "h1", "h3", 600, fields{"bandwidth": 60_000_000, "start_time": start}))
	l.daemon.Stop(syscall.SIGTERM)
	l.start(slower)
	l.eventually("the switches are back", func() bool { return len(l.boss().results("/api/links?per_page=100")) == 8 })
	alice = l.login("alice", "astro")
	l.within(time.Minute, func() bool { return after(-2) > start })
	if got := alice.details(id); got.first("reason") == nil {
		l.fault("it has 60M where links carry 32M of allocations, without a word: %s", got.body)
	}
	alice.want(200, "PATCH", "/api/allocations/"+id, fields{"bandwidth": 50_000_000})
}

// limited has a limit beside what common says.
const limited = `
network: {default_capacity: 1G}
directory:
  projects: [{id: astro, members: [alice], max_bandwidth: 30M}]
  allow_passwordless: true
`

// loweredLimit: what has more than a limit allows that was lowered may be made
// smaller.
func loweredLimit(l *lab) {
	l.up()
	alice := l.login("alice", "astro")
	id := alice.active(l.body("astro", "h1", "h3", 600, fields{"bandwidth": 60_000_000}))
	l.reload(limited)
	alice.want(200, "PATCH", "/api/allocations/"+id, fields{"bandwidth": 50_000_000})
	alice.want(200, "PATCH", "/api/allocations/"+id, fields{"duration": 500})
	alice.want(403, "PATCH", "/api/allocations/"+id, fields{"bandwidth": 55_000_000})
}

// nothingForVolumes: a volume that waits gets no more when its project may hold
// nothing any more, and none is admitted for a project that may reserve for no
// time.
func nothingForVolumes(l *lab) {
	l.start(limited)
	l.connect(100_000_000)
	alice := l.login("alice", "astro")
	id := alice.create(fields{"project_id": "astro", "src_ip": "10.0.0.1", "dst_ip": "10.0.0.3", "volume": 400_000_000, "earliest": after(600)})
	was := alice.details(id).number("bandwidth")
	l.reload(strings.ReplaceAll(limited, "max_bandwidth: 30M", "max_bandwidth: 0"))
	time.Sleep(time.Second) // in which it would be planned anew
	if is := alice.details(id).number("bandwidth"); is != was {
		l.fault("of %g bit/s become %g", was, is)
	}
	l.reload(strings.ReplaceAll(limited, "max_bandwidth: 30M", "max_duration: 0s"))
	alice.want(403, "POST", "/api/allocations", fields{"project_id": "astro", "src_ip": "10.0.0.1", "dst_ip": "10.0.0.4", "volume": 1_000_000})
}

// tight has limits that are lower than what is in use.
const tight = `
network: {default_capacity: 1G}
directory:
  projects: [{id: astro, members: [alice], max_active: 1, max_pending: 1, max_duration: 1000s, horizon: 100s, max_bandwidth: 10M}]
  allow_passwordless: true
`

// limitsBelowUse: what is there goes on, becomes less and ends, whatever limits
// have come below it, and starts if it was admitted.
func limitsBelowUse(l *lab) {
	l.up()
	alice := l.login("alice", "astro")
	id := alice.active(l.body("astro", "h1", "h3", 6000, fields{"bandwidth": 30_000_000}))
	list := []string{id}
	for i := range 3 {
		list = append(list, alice.create(l.body("astro", "h1", "h4", 3000, fields{"bandwidth": 1_000_000, "start_time": after(float64(20000 + 5000*i))})))
	}
	soon := alice.create(l.body("astro", "h2", "h4", 3000, fields{"bandwidth": 1_000_000, "start_time": after(4)}))
	l.reload(tight)
	alice.want(403, "POST", "/api/allocations", l.body("astro", "h1", "h4", 60, nil))
	for _, change := range []fields{{"duration": 5500}, {"bandwidth": 20_000_000}, {"duration": 5000, "bandwidth": 15_000_000}} {
		alice.want(200, "PATCH", "/api/allocations/"+id, change)
	}
	alice.want(403, "PATCH", "/api/allocations/"+id, fields{"duration": 6000})
	for i, id := range list[1:] {
		alice.want(200, "PATCH", "/api/allocations/"+id, fields{"duration": 2000})
		alice.want(200, "PATCH", "/api/allocations/"+id, fields{"start_time": after(float64(19900 + 5000*i))})
		alice.want(403, "PATCH", "/api/allocations/"+id, fields{"start_time": after(190000)})
	}
	alice.until(soon, "active")
	for _, id := range append(list, soon) {
		alice.want(200, "DELETE", "/api/allocations/"+id, nil)
	}
}

// smallerWhileDegraded: what its links cannot carry may be made smaller, not
// larger, and is well again when it fits.
func smallerWhileDegraded(l *lab) {
	l.up()
	alice := l.login("alice", "astro")
	id := alice.active(l.body("astro", "h1", "h3", 6000, fields{"bandwidth": 60_000_000}))
	l.reload(slower)
	l.eventually("it is degraded", func() bool { return alice.details(id).first("degraded") == true })
	alice.want(200, "PATCH", "/api/allocations/"+id, fields{"bandwidth": 50_000_000})
	alice.want(409, "PATCH", "/api/allocations/"+id, fields{"bandwidth": 55_000_000})
	alice.want(200, "PATCH", "/api/allocations/"+id, fields{"bandwidth": 20_000_000})
	l.eventually("it is well", func() bool {
		got := alice.details(id)
		return got.first("degraded") == false && got.text("state") == "active"
	})
}
