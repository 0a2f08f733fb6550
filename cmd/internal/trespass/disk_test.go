package trespass

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// store returns the file of the store of a daemon that is stopped.
func (l *lab) store() string { return filepath.Join(l.data, "conga.db") }

// filled has a daemon make some records, and stops it.
func (l *lab) filled(records int) {
	l.start(common)
	alice := l.login("alice", "astro")
	for i := range records {
		alice.create(fields{"project_id": "astro", "src_ip": "10.0.0.1", "dst_ip": fmt.Sprintf("10.0.%d.%d", 1+i/200, 1+i%200), "duration": 60, "start_time": after(3600)})
	}
	l.daemon.Stop(syscall.SIGTERM)
}

// refuses starts the daemon, which must end with exit code 3 and a sentence.
func (l *lab) refuses(what string) {
	p := l.congad()
	if said := p.Said("listening for switches"); said != nil {
		l.fault("%s: it starts", what)
	}
	if code := p.Code(); code != 3 || strings.Contains(p.Text(), "goroutine ") {
		l.fault("%s: exit code %d: %.200s", what, code, p.Text())
	}
}

// emptiedStore: an empty file beside an admin's key is no new store.
func emptiedStore(l *lab) {
	l.filled(1)
	if err := os.Truncate(l.store(), 0); err != nil {
		l.Fatal(err)
	}
	l.refuses("an emptied store")
}

// zeroedPages: a store that lacks pages in its middle is refused in a sentence.
func zeroedPages(l *lab) {
	l.filled(100)
	f, err := os.OpenFile(l.store(), os.O_RDWR, 0)
	if err != nil {
		l.Fatal(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err == nil {
		_, err = f.WriteAt(make([]byte, info.Size()-2*4096), 2*4096) // all but the heads
	}
	if err != nil {
		l.Fatal(err)
	}
	l.refuses("zeroed pages")
}

// fullDisk: where the disk is full, changes are refused for a while and say that
// nothing has changed, and all recovers by itself.
func fullDisk(l *lab) {
	if err := os.Mkdir(l.data, 0o700); err != nil {
		l.Fatal(err)
	}
	if err := syscall.Mount("tmpfs", l.data, "tmpfs", 0, "size=2m,mode=700"); err != nil {
		l.Logf("no disk can be mounted: %v", err)
		return
	}
	l.Cleanup(func() { _ = syscall.Unmount(l.data, syscall.MNT_DETACH) })
	l.start(common)
	alice := l.login("alice", "astro")
	filler := filepath.Join(l.data, "filler")
	_ = os.WriteFile(filler, make([]byte, 4<<20), 0o600) // as much as there is room for
	got, n := &answer{code: 201}, 0
	for ; got.code == 201 && n < 5000; n++ {
		got = alice.ask("POST", "/api/allocations", fields{"project_id": "astro", "src_ip": "10.0.0.1", "dst_ip": fmt.Sprintf("10.1.%d.%d", n/200, 1+n%200),
			"duration": 60, "start_time": after(3600)})
	}
	if got.code != 503 || got.header.Get("Retry-After") == "" || !strings.Contains(got.body, "nothing was changed") {
		l.fault("on a full disk a request gets %d, Retry-After %q: %s", got.code, got.header.Get("Retry-After"), got.body)
	}
	if ready := l.boss().ask("GET", "/readyz", nil); ready.code != 503 {
		l.fault("on a full disk /readyz is %d", ready.code)
	}
	if err := os.Remove(filler); err != nil {
		l.Fatal(err)
	}
	if !l.within(15*time.Second, func() bool {
		return alice.ask("POST", "/api/allocations", fields{"project_id": "astro", "src_ip": "10.0.0.1", "dst_ip": "10.2.0.1", "duration": 60}).code == 201
	}) {
		l.fault("requests are refused when there is room again")
	}
}
