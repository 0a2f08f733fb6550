package trespass

import (
	"crypto/tls"
	"encoding/binary"
	"fmt"
	"io"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// loginPerJob logs in once for each of many jobs: every login is answered.
func loginPerJob(l *lab) {
	l.start(common)
	const jobs, at = 1010, 10
	var refused atomic.Pointer[answer]
	var wg sync.WaitGroup
	for range at {
		wg.Go(func() {
			for i := range jobs / at {
				if i%10 == 0 && refused.Load() != nil {
					return
				}
				got := l.asker("").ask("POST", "/api/auth", fields{"user_id": "alice", "project_id": "astro"})
				if got.code != 200 {
					refused.Store(got)
				}
			}
		})
	}
	wg.Wait()
	if got := refused.Load(); got != nil {
		l.fault("of %d logins one is refused: %d %s", jobs, got.code, got.body)
	}
	l.login("alice", "astro")
}

// pings: of a connection that has shown no key few pings are answered.
func pings(l *lab) {
	l.start(common)
	u, err := url.Parse(l.url)
	if err != nil {
		l.Fatal(err)
	}
	c, err := tls.Dial("tcp", u.Host, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}})
	if err != nil {
		l.Fatal(err)
	}
	defer c.Close()
	const sent, most = 100_000, 30_000
	go func() {
		_, _ = io.WriteString(c, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00")
		many := strings.Repeat("\x00\x00\x08\x06\x00\x00\x00\x00\x00trespass", 1000) // RFC 9113, 6.7
		for range sent / 1000 {
			if _, err := io.WriteString(c, many); err != nil {
				return
			}
		}
	}()
	_ = c.SetReadDeadline(time.Now().Add(3 * time.Second))
	if n := countPings(c); n > most {
		l.fault("%d pings of one connection without a key are answered in 3 s", n)
	}
}

// countPings counts the answers to pings that come.
func countPings(c io.Reader) (n int) {
	head := make([]byte, 9)
	for {
		if _, err := io.ReadFull(c, head); err != nil {
			return n
		}
		if _, err := io.CopyN(io.Discard, c, int64(binary.BigEndian.Uint32(append([]byte{0}, head[:3]...)))); err != nil {
			return n
		}
		if head[3] == 6 && head[4]&1 != 0 {
			n++
		}
	}
}

// namesAsWritten: names that look like numbers are what is written.
func namesAsWritten(l *lab) {
	l.start(`
directory:
  projects: [{id: 0042, members: [0123456, 1.10]}]
  allow_passwordless: true
`)
	for _, user := range []string{"0123456", "1.10"} {
		l.login(user, "0042")
	}
}

// deleteAlongTheLinks deletes what each page of a list holds before it follows
// the link to the next: all that was there is on a page.
func deleteAlongTheLinks(l *lab) {
	l.start(common)
	alice := l.login("alice", "astro")
	const n = 30
	for i := range n {
		alice.create(fields{"project_id": "astro", "src_ip": "10.0.0.1", "dst_ip": fmt.Sprintf("10.0.1.%d", i+1), "duration": 60, "start_time": after(3600)})
	}
	seen := map[string]bool{}
	for path := "/api/allocations?per_page=10"; path != ""; {
		page := alice.want(200, "GET", path, nil)
		for _, one := range page.list() {
			seen[one["allocation_id"].(string)] = true
			alice.ask("DELETE", "/api/allocations/"+one["allocation_id"].(string), nil)
		}
		path = next(page)
	}
	if len(seen) != n {
		l.fault("%d of %d are seen along the links", len(seen), n)
	}
}

// next returns where the next page is, "" if there is none.
func next(page *answer) string {
	for link := range strings.SplitSeq(strings.Join(page.header.Values("Link"), ","), ",") {
		if where, ok := strings.CutSuffix(strings.TrimSpace(link), `>; rel="next"`); ok {
			u, err := url.Parse(strings.TrimPrefix(where, "<"))
			if err != nil {
				return ""
			}
			return u.RequestURI()
		}
	}
	return ""
}
