package trespass

import (
	"strings"
	"sync"
	"time"
)

// owning returns a configuration with a rule of consent and projects, of which
// each is the inside of a YAML mapping.
func owning(consent string, projects ...string) string {
	return "network: {default_capacity: 1G}\ndirectory:\n  allow_passwordless: true\n  consent: " + consent +
		"\n  projects:\n    - {" + strings.Join(projects, "}\n    - {") + "}\n"
}

// addressesChangeHands: what was admitted stays when its addresses become
// another's, may become less and not more, and loses no packet to their owner.
func addressesChangeHands(l *lab) {
	l.start(owning("either", "id: astro, members: [alice], addresses: [10.0.0.1, 10.0.0.3]", "id: bio, members: [bob]"))
	l.connect(100_000_000)
	alice := l.login("alice", "astro")
	id := alice.active(l.body("astro", "h1", "h3", 600, fields{"bandwidth": 20_000_000}))
	later := alice.create(l.body("astro", "h1", "h4", 600, fields{"bandwidth": 20_000_000, "start_time": after(5)}))
	l.reload(owning("either", "id: astro, members: [alice]", "id: bio, members: [bob], addresses: [10.0.0.1, 10.0.0.3]"))
	alice.want(403, "PATCH", "/api/allocations/"+id, fields{"bandwidth": 30_000_000})
	alice.want(403, "PATCH", "/api/allocations/"+id, fields{"duration": 1200})
	alice.want(200, "PATCH", "/api/allocations/"+id, fields{"duration": 500})
	alice.want(200, "PATCH", "/api/allocations/"+id, fields{"bandwidth": 10_000_000})
	alice.want(403, "POST", "/api/allocations?validate=true", l.body("astro", "h1", "h3", 60, nil))
	bob := l.login("bob", "bio")
	of := bob.details(bob.create(l.body("bio", "h1", "h3", 60, fields{"bandwidth": 100_000, "protocol": "udp", "dst_port": port})))
	if of.text("state") != "pending" || of.first("reason") == nil {
		l.fault("the new owner's request does not wait for what is there: %s", of.body)
	}
	alice.until(later, "active")
	if sent, arrived := l.send("h1", "h3", port, 8_000_000, time.Second); arrived < sent*95/100 {
		l.fault("of its packets %s arrive", percent(arrived, sent))
	}
}

// addressesInDisguise: an address in another form is the same, or refused; the
// longest prefix tells whose it is.
func addressesInDisguise(l *lab) {
	l.start(owning("both", "id: astro, members: [alice], addresses: [10.0.0.0/24, 'fd00::/64']", "id: bio, members: [bob], addresses: [10.0.0.3, 10.0.0.4/31]"))
	l.connect(100_000_000)
	alice, bob := l.login("alice", "astro"), l.login("bob", "bio")
	alice.want(403, "POST", "/api/allocations", l.body("astro", "h1", "h3", 60, nil))
	bob.want(403, "POST", "/api/allocations", l.body("bio", "h1", "h3", 60, nil))
	bob.want(201, "POST", "/api/allocations", l.body("bio", "h3", "h4", 60, nil))
	alice.want(201, "POST", "/api/allocations", l.body("astro", "h1", "h2", 60, nil))
	for src, dst := range map[string]string{
		"::ffff:10.0.0.1": "10.0.0.4", "0:0:0:0:0:ffff:a00:1": "10.0.0.4", "10.0.0.01": "10.0.0.4", "10.0.0.1%eth0": "10.0.0.4", " 10.0.0.1": "10.0.0.4",
		"167772161": "10.0.0.4", "10.1": "10.0.0.4", "fd00::1%eth0": "fd00::4", "FD00::1": "fd00::4", "fd00:0::1": "fd00::4",
	} {
		body := l.body("bio", "h3", "h4", 60, fields{"src_ip": src, "dst_ip": dst})
		if got := bob.ask("POST", "/api/allocations", body); got.code == 201 {
			l.fault("another's address is admitted as %q: %s", src, got.body)
		}
	}
}

// changesToAnothers changes allocations into what a request would not get, and
// those of other users: each change is refused.
func changesToAnothers(l *lab) {
	l.start(owning("both", "id: astro, members: [alice, adam], addresses: [10.0.0.1, 10.0.0.3]", "id: bio, members: [bob], addresses: [10.0.0.2, 10.0.0.4], max_bandwidth: 10M"))
	l.connect(100_000_000)
	alice, adam, bob := l.login("alice", "astro"), l.login("adam", "astro"), l.login("bob", "bio")
	bobs := bob.active(l.body("bio", "h2", "h4", 600, fields{"bandwidth": 5_000_000}))
	for _, change := range []fields{
		{"dst_ip": "10.0.0.3"}, {"src_ip": "10.0.0.1"}, {"src_ip": "10.0.0.1", "dst_ip": "10.0.0.3"}, {"project_id": "astro"}, {"bandwidth": 11_000_000},
	} {
		bob.want(403, "PATCH", "/api/allocations/"+bobs, change)
	}
	bob.want(422, "PATCH", "/api/allocations/"+bobs, fields{"user_id": "alice"})
	id := alice.active(l.body("astro", "h1", "h3", 600, fields{"bandwidth": 5_000_000, "active_lease": 600}))
	for _, change := range []fields{
		{"duration": 1}, {"bandwidth": 100_000}, {"active_lease": 1}, {"active_lease": nil}, {"start_time": after(300)}, {"protection": "path"}, {"hold": nil},
	} {
		bob.want(404, "PATCH", "/api/allocations/"+id, change)
		adam.want(403, "PATCH", "/api/allocations/"+id, change)
	}
	adam.want(403, "PUT", "/api/allocations/"+id, l.body("astro", "h1", "h3", 1, nil))
	const none = "11111111-1111-1111-1111-111111111111"
	apart := bob.want(422, "PATCH", "/api/allocations/"+bobs, fields{"disjoint_from": id})
	of := bob.want(422, "PATCH", "/api/allocations/"+bobs, fields{"disjoint_from": none})
	if strings.ReplaceAll(apart.body, id, none) != of.body {
		l.fault("a refusal tells whether another's allocation is there: %s and %s", apart.body, of.body)
	}
	if got := adam.details(id); got.text("state") != "active" || got.number("active_lease") != 600 {
		l.fault("after all that it is %s", got.body)
	}
}

// oneKeyManyStreams: of requests under one idempotency key at the same time one
// takes effect.
func oneKeyManyStreams(l *lab) {
	l.start(common)
	alice := l.login("alice", "astro")
	start, ids := after(3600), make([]string, 100)
	for n, same := range []bool{true, false} {
		var wg sync.WaitGroup
		for i := range ids {
			body := fields{"project_id": "astro", "src_ip": "10.0.0.1", "dst_ip": "10.0.0.2", "duration": 60, "start_time": start + int64(n*7200)}
			if !same {
				body["duration"] = 60 + i
			}
			wg.Go(func() {
				ids[i] = alice.ask("POST", "/api/allocations", body, "Idempotency-Key", string(rune('a'+n))).text("allocation_id")
			})
		}
		wg.Wait()
		seen := map[string]bool{"": true}
		for _, id := range ids {
			seen[id] = true
		}
		if list := alice.results("/api/allocations"); len(list) != n+1 || len(seen) != 2 {
			l.fault("with %d keys %d allocations are made, and %d answered", n+1, len(list), len(seen)-1)
		}
	}
}

// filteredWalk follows the links of a filtered list while states change: what
// the list holds all the time is on its pages once, and nothing is twice.
func filteredWalk(l *lab) {
	l.up()
	alice := l.login("alice", "astro")
	stays := map[string]bool{}
	for i := range 30 {
		start := after(float64(2 + i/6))
		if i%2 == 1 {
			start = after(5000)
		}
		stays[alice.create(l.body("astro", "h1", "h3", 600, fields{"protocol": "udp", "dst_port": 1000 + i, "start_time": start}))] = i%2 == 1
	}
	seen := map[string]int{}
	for path := "/api/allocations?per_page=2&state=pending"; path != ""; {
		page := alice.want(200, "GET", path, nil)
		for _, one := range page.list() {
			seen[one["allocation_id"].(string)]++
		}
		path = next(page)
		time.Sleep(300 * time.Millisecond) // as a person reads
	}
	for id, stay := range stays {
		if stay && seen[id] != 1 || seen[id] > 1 {
			l.fault("one that stays: %t, is seen %d times", stay, seen[id])
		}
	}
}

// prolongedOverAnothers: no change of what runs puts off what is planned after
// it.
func prolongedOverAnothers(l *lab) {
	l.up()
	alice, bob := l.login("alice", "astro"), l.login("bob", "bio")
	id := alice.active(l.body("astro", "h1", "h3", 60, fields{"bandwidth": 60_000_000}))
	later := bob.create(l.body("bio", "h1", "h4", 60, fields{"bandwidth": 60_000_000}))
	was := bob.details(later).number("start_time")
	alice.want(409, "PATCH", "/api/allocations/"+id, fields{"duration": 61})
	for i := range 30 {
		alice.ask("PATCH", "/api/allocations/"+id, fields{"duration": 59 + i%3})
		alice.ask("PATCH", "/api/allocations/"+id, fields{"bandwidth": 60_000_000 - 1_000_000*(i%2)})
	}
	if is := bob.details(later).number("start_time"); is > was {
		l.fault("another's start is put off by %g s", is-was)
	}
}
