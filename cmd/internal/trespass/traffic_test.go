package trespass

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

const port = 5203

// leastRate: one bit a second is refused.
func leastRate(l *lab) {
	l.up()
	l.login("alice", "astro").want(422, "POST", "/api/allocations", l.body("astro", "h1", "h3", 60, fields{"bandwidth": 1}))
}

// clientAsksBack: the client asks whether 40M was meant, and sends nothing.
func clientAsksBack(l *lab) {
	l.up()
	key := l.login("alice", "astro").key
	code, said := l.conga(key, "astro", "allocate", "10.0.0.1", "10.0.0.3", "--bandwidth", "40", "--duration", "1m")
	if code == 0 || !strings.Contains(said, "40M") {
		l.fault("conga allocate --bandwidth 40 ends with code %d: %s", code, said)
	}
}

// anothersAllocation: another project's booking of a port of what has an
// allocation takes none of its packets.
func anothersAllocation(l *lab) {
	l.up()
	l.login("alice", "astro").active(l.body("astro", "h1", "h3", 600, fields{"bandwidth": 20_000_000}))
	bob := l.login("bob", "bio")
	bob.ask("POST", "/api/allocations", l.body("bio", "h1", "h3", 600, fields{"bandwidth": 100_000, "protocol": "udp", "dst_port": port}))
	time.Sleep(2 * time.Second) // time to become active
	if sent, arrived := l.send("h1", "h3", port, 10_000_000, 2*time.Second); arrived < sent*95/100 {
		l.fault("of an allocation's packets %s arrive beside another's booking", percent(arrived, sent))
	}
}

// anothersBestEffort: little bookings of what has no allocation take its best
// effort for some seconds at most.
func anothersBestEffort(l *lab) {
	l.up()
	bob := l.login("bob", "bio")
	for i := range 2 {
		bob.active(l.body("bio", "h1", "h3", 600, fields{"bandwidth": 100_000, "protocol": "udp", "dst_port": port + i}))
	}
	l.send("h1", "h3", port, 20_000_000, 8*time.Second)
	if sent, arrived := l.send("h1", "h3", port, 20_000_000, 4*time.Second); arrived < sent*85/100 {
		l.fault("of best effort %s arrive beside another's bookings", percent(arrived, sent))
	}
}

// owned is a configuration in which astro owns h1 and h3.
const owned = `
network: {default_capacity: 1G}
directory:
  projects:
    - {id: astro, members: [alice], addresses: [10.0.0.1, 10.0.0.3]}
    - {id: bio, members: [bob]}
  allow_passwordless: true
`

// consent: who owns neither end is refused, and does not make the owner wait.
func consent(l *lab) {
	l.start(owned)
	l.connect(100_000_000)
	l.login("bob", "bio").want(403, "POST", "/api/allocations", l.body("bio", "h1", "h3", 365*86400, nil))
	l.login("alice", "astro").active(l.body("astro", "h1", "h3", 60, nil))
}

// runReservesAhead: a request that comes after conga run is planned after its
// whole duration.
func runReservesAhead(l *lab) {
	l.up()
	alice := l.login("alice", "astro")
	c := l.command(alice.key, "astro", "run", "10.0.0.1", "10.0.0.3", "--bandwidth", "60M", "--duration", "20m", "--", "sleep", "60")
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := c.Start(); err != nil {
		l.Fatal(err)
	}
	defer func() {
		_ = syscall.Kill(-c.Process.Pid, syscall.SIGKILL)
		_ = c.Wait()
	}()
	l.eventually("conga run has its path", func() bool {
		list := alice.results("/api/allocations")
		return len(list) == 1 && list[0]["state"] == "active"
	})
	later := alice.details(alice.create(l.body("astro", "h1", "h4", 60, fields{"bandwidth": 60_000_000})))
	if wait := int64(later.number("start_time")) - after(0); wait < 19*60 {
		l.fault("another request gets the path of conga run --duration 20m after %d s", wait)
	}
}

// colleaguesRelease: a member does not release another member's path.
func colleaguesRelease(l *lab) {
	l.up()
	alice := l.login("alice", "astro")
	id := alice.active(l.body("astro", "h1", "h3", 600, nil))
	l.login("adam", "astro").want(403, "DELETE", "/api/allocations/"+id, nil)
	if got := alice.details(id); got.text("state") != "active" {
		l.fault("it is %s", got.text("state"))
	}
}

// narrow has little to be lent: of 10 Mbit/s nearly all may be reserved.
const narrow = `
network: {default_capacity: 1G, reservable: 0.99}
directory:
  projects: [{id: astro, members: [alice]}]
  allow_passwordless: true
`

const (
	policed = 2_000_000       // bit/s
	span    = 4 * time.Second // in which that is changed
)

// policing has traffic beyond its rate while that is changed so many times, and
// returns who asked, the allocation, and how many packets were sent and
// arrived.
func policing(l *lab, changes int) (alice *asker, id string, sent, arrived uint64) {
	l.start(narrow)
	l.connect(10_000_000)
	alice = l.login("alice", "astro")
	alice.active(l.body("astro", "h2", "h3", 600, fields{"bandwidth": 7_100_000}))
	id = alice.active(l.body("astro", "h1", "h3", 600, fields{"bandwidth": policed, "protocol": "udp", "dst_port": port}))
	time.Sleep(5 * time.Second) // the burst that a meter begins with is paid for
	var wg sync.WaitGroup
	wg.Go(func() {
		for n := range changes {
			alice.ask("PATCH", "/api/allocations/"+id, fields{"bandwidth": policed - 1000*(1-n%2)})
			time.Sleep(span / time.Duration(changes))
		}
	})
	sent, arrived = l.send("h1", "h3", port, 6_000_000, span)
	wg.Wait()
	return alice, id, sent, arrived
}

// askingAgain: changes to and fro bring no more than the rate and a burst.
func askingAgain(l *lab) {
	_, _, sent, arrived := policing(l, 30)
	const burst = policed / 8 / 1000 * 4 / 10 // packets
	if most := uint64(policed/8/1000*span.Seconds()*1.03) + burst; arrived > most {
		l.fault("%d of %d packets pass while the rate is changed to and fro, %d are admitted", arrived, sent, most)
	}
}

// changedReceipt: what policing dropped is told, whatever has been changed.
func changedReceipt(l *lab) {
	alice, id, sent, arrived := policing(l, 4)
	var told float64
	if !l.within(15*time.Second, func() bool {
		way, _ := alice.ask("GET", "/api/stats/allocations/"+id, nil).first("forward").(fields)
		dropped, _ := way["dropped"].(fields)
		told, _ = dropped["packets"].(float64)
		return told > 0.98*float64(sent-arrived)
	}) {
		l.fault("of %d packets dropped while the rate was changed %g are told", sent-arrived, told)
	}
}

// command returns a call of conga with a key.
func (l *lab) command(key, project string, args ...string) *exec.Cmd {
	c := exec.Command(filepath.Join(l.bin, "conga"), args...)
	c.Env = append(os.Environ(), "XDG_CONFIG_HOME="+l.dir, "CONGA_SERVER="+l.url, "CONGA_KEY="+key, "CONGA_PROJECT="+project,
		"CONGA_FINGERPRINT="+l.daemon.Said("listening for users")["fingerprint"].(string))
	return c
}

// conga runs a call of conga and returns its exit code and what it says.
func (l *lab) conga(key, project string, args ...string) (int, string) {
	var out bytes.Buffer
	c := l.command(key, project, args...)
	c.Stdout, c.Stderr = &out, &out
	_ = c.Run()
	return c.ProcessState.ExitCode(), strings.TrimSpace(out.String())
}
