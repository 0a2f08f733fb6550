package trespass

import (
	"flag"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"conga/allocator/store"
)

var keyed = flag.Int("keyed", 4000, "requests with keys by one user; from 54000 on the commit of -old makes another's allocation twice")

// anothersAnswer: one user's requests with keys, many at a time, push out the
// user's own oldest answers, all but 2,000, and no other's, whose request stays
// done once.
func anothersAnswer(l *lab) {
	l.start(common)
	bob, alice := l.login("bob", "bio"), l.login("alice", "astro")
	once := fields{"project_id": "bio", "src_ip": "10.0.0.2", "dst_ip": "10.0.0.4", "duration": 60, "start_time": after(7200)}
	id := bob.want(201, "POST", "/api/allocations", once, "Idempotency-Key", "once").text("allocation_id")
	path := "/api/allocations/" + alice.create(fields{"project_id": "astro", "src_ip": "10.0.0.1", "dst_ip": "10.0.0.3", "duration": 60, "start_time": after(7200)})
	ask := func(a *asker, i int) (again bool) { // changes nothing
		got := a.want(200, "PATCH", path, fields{"duration": 60}, "Idempotency-Key", fmt.Sprint(i))
		return got.header.Get("Idempotent-Replayed") != ""
	}
	began := time.Now()
	l.concurrently(alice.key, *keyed, func(a *asker, i int) { ask(a, i) })
	took := time.Since(began)
	if again := bob.want(201, "POST", "/api/allocations", once, "Idempotency-Key", "once").text("allocation_id"); again != id {
		l.fault("after %d requests of another user's in %.1f s the same request with the same key makes a second allocation, %s beside %s",
			*keyed, took.Seconds(), again, id)
	}
	var kept atomic.Uint32
	oldest := min(1000, *keyed-2000-64)
	l.concurrently(alice.key, oldest, func(a *asker, i int) {
		if ask(a, i) {
			kept.Add(1)
		}
	})
	if kept.Load() > 0 {
		l.fault("after %d requests of one user's, of which the answers to 2,000 are kept, so are %d of the first %d", *keyed, kept.Load(), oldest)
	}
	l.Logf("%d requests with keys in %.1f s push out no other user's answer, and all but 2,000 of the user's own", *keyed, took.Seconds())
}

// concurrently makes so many requests with a key, 64 at a time.
func (l *lab) concurrently(key string, requests int, request func(a *asker, i int)) {
	const connections, streams = 4, 16
	var next atomic.Int64
	var wg sync.WaitGroup
	var failed atomic.Pointer[finding]
	for range connections {
		a := l.asker(key)
		for range streams {
			wg.Go(func() {
				defer func() {
					if r := recover(); r != nil {
						f, ok := r.(finding)
						if !ok {
							panic(r)
						}
						failed.Store(&f)
					}
				}()
				for i := next.Add(1); i <= int64(requests) && failed.Load() == nil; i = next.Add(1) {
					request(a, int(i))
				}
			})
		}
	}
	wg.Wait()
	if f := failed.Load(); f != nil {
		panic(*f)
	}
}

// answersExpire: the answers of a day ago leave the store though no request
// with a key comes that would push them out.
func answersExpire(l *lab) {
	const (
		many  = 200
		day   = 25 * 3600
		sweep = 90 * time.Second // ours looks each minute
	)
	c := l.stepping(0)
	a := l.login("alice", "astro")
	path := "/api/allocations/" + a.create(fields{"project_id": "astro", "src_ip": "10.0.0.1", "dst_ip": "10.0.0.3", "duration": 60, "start_time": after(7200)})
	for i := range many {
		a.want(200, "PATCH", path, fields{"duration": 60}, "Idempotency-Key", fmt.Sprint(i))
	}
	c.step(day)
	l.within(sweep, func() bool { return false })
	l.daemon.Kill() // so that it removes nothing because it ends
	left := 0
	if _, err := store.Examine(l.Context(), filepath.Join(l.data, "conga.db"), func(r store.Record) error {
		if r.Bucket == store.Replays {
			left++
		}
		return nil
	}); err != nil {
		l.Fatal(err)
	}
	if left > 0 {
		l.fault("of %d answers %d are kept a day later", many, left)
	}
}
