package acceptance

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

const (
	loadReaders = 48
	loadWriters = 16               // with the readers 64 clients
	writePause  = time.Second / 20 // between two writes of one client
	loadRounds  = 6                // of each server, alternately
	loadRound   = 5 * time.Second  // each server is measured for 30 s
)

// BenchmarkMixedLoad has 64 clients, each with a key and a connection of its
// own, read and write over HTTPS. In alternate rounds of the same run they send
// the same to a Gin server that does nothing but answer each request with as
// many bytes as congad does.
//
// 48 clients read as fast as they get answers: an allocation, its statistics,
// now and then a page of the project's list. 16 make, change and delete
// allocations for later, each 20 times a second, so that both servers have the
// same to write; a write that waits for the disk does not delay readers. The
// bound is on the reads.
func BenchmarkMixedLoad(b *testing.B) {
	w := worldOf(b)
	bare := w.startBare(b)
	defer bare.stop()
	keys := make([]string, loadReaders+loadWriters)
	for i := range keys {
		keys[i] = w.keyless(b).newKey("abc123", "load")
	}
	for b.Loop() {
		var conga, plain tally
		for range loadRounds {
			conga.add(b, w.round(w.url, keys, w.daemon.PID()))
			plain.add(b, w.round(bare.url, keys, bare.cmd.Process.Pid))
		}
		b.ReportMetric(conga.rate(conga.reads), "reads/s")
		b.ReportMetric(conga.rate(conga.writes), "writes/s")
		b.ReportMetric(plain.rate(plain.reads), "bare-reads/s")
		b.ReportMetric(plain.rate(plain.writes), "bare-writes/s")
		b.ReportMetric(conga.rate(conga.reads)/plain.rate(plain.reads), "of-bare")
		b.ReportMetric(conga.perRequest(), "cpu-us/request")
		b.ReportMetric(plain.perRequest(), "bare-cpu-us/request")
		b.ReportMetric(0, "ns/op")
	}
}

// A tally is what was done in some time.
type tally struct {
	reads, writes int
	took, cpu     time.Duration // cpu: of the server
	err           error
}

func (t *tally) add(b *testing.B, o tally) {
	b.Helper()
	if o.err != nil {
		b.Fatal(o.err)
	}
	t.reads, t.writes, t.took, t.cpu = t.reads+o.reads, t.writes+o.writes, t.took+o.took, t.cpu+o.cpu
}

func (t *tally) rate(n int) float64 { return float64(n) / t.took.Seconds() }

// perRequest returns the server's processor time for one request, in
// microseconds.
func (t *tally) perRequest() float64 { return t.cpu.Seconds() / float64(t.reads+t.writes) * 1e6 }

// round has all clients load one server for loadRound.
func (w *world) round(url string, keys []string, pid int) (sum tally) {
	results := make(chan tally)
	before, begun := cpuOf(pid), time.Now()
	for i, key := range keys {
		go func() {
			c := &loader{key: key, until: begun.Add(loadRound), port: 1 + i}
			if c.err = c.dial(w, url); c.err == nil {
				if i < loadReaders {
					c.err = c.readAll()
				} else {
					c.err = c.writeAll()
				}
				c.conn.Close()
			}
			results <- c.tally
		}()
	}
	for range keys {
		one := <-results
		sum.reads, sum.writes, sum.err = sum.reads+one.reads, sum.writes+one.writes, errors.Join(sum.err, one.err)
	}
	sum.took, sum.cpu = time.Since(begun), cpuOf(pid)-before
	return sum
}

// A loader is one client. It writes requests and reads answers itself, at
// little cost compared to the servers.
type loader struct {
	tally
	key   string
	until time.Time
	port  int // distinguishes its traffic from that of the others

	conn *tls.Conn
	in   *bufio.Reader
	out  bytes.Buffer
}

func (c *loader) dial(w *world, url string) (err error) {
	host := strings.TrimPrefix(url, "https://")
	c.conn, err = tls.Dial("tcp", host, &tls.Config{RootCAs: w.trust, ServerName: "localhost", NextProtos: []string{"http/1.1"}})
	c.in = bufio.NewReaderSize(c.conn, 64<<10)
	return err
}

// readAll makes an allocation, reads until the time is up, and deletes it.
func (c *loader) readAll() error {
	at, err := c.make()
	if err != nil {
		return err
	}
	stats := strings.Replace(at, "/allocations", "/stats/allocations", 1)
	for time.Now().Before(c.until) {
		for _, path := range []string{at, at, stats, at, at, "/api/v1/allocations?per_page=10", at, at, stats, at} {
			if _, err := c.ask("GET", path, ""); err != nil {
				return err
			}
			c.reads++
		}
	}
	_, err = c.ask("DELETE", at, "")
	return err
}

// writeAll makes, changes and deletes allocations until the time is up.
func (c *loader) writeAll() error {
	pause := time.NewTicker(writePause)
	defer pause.Stop()
	for time.Now().Before(c.until) {
		<-pause.C
		at, err := c.make()
		if err != nil {
			return err
		}
		<-pause.C
		if _, err := c.ask("PATCH", at, `{"duration":1200}`); err != nil {
			return err
		}
		<-pause.C
		if _, err := c.ask("DELETE", at, ""); err != nil {
			return err
		}
		c.writes += 3
	}
	return nil
}

// make makes an allocation that begins in an hour, and returns its path.
func (c *loader) make() (at string, err error) {
	h, err := c.ask("POST", "/api/v1/allocations", fmt.Sprintf(loadRequest, c.port, time.Now().Unix()+3600))
	return h.Get("Location"), err
}

const loadRequest = `{"project_id":"load","src_ip":"192.127.1.10","dst_ip":"192.127.1.11","src_port":%d,"duration":600,"bandwidth":100000,"start_time":%d}`

// ask makes one request and reads its answer, which must have a status of 2xx.
func (c *loader) ask(method, path, body string) (http.Header, error) {
	c.out.Reset()
	fmt.Fprintf(&c.out, "%s %s HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n", method, path, c.key)
	if body != "" {
		fmt.Fprintf(&c.out, "Content-Type: application/json\r\nContent-Length: %d\r\n", len(body))
	}
	c.out.WriteString("\r\n")
	c.out.WriteString(body)
	if _, err := c.conn.Write(c.out.Bytes()); err != nil {
		return nil, err
	}
	response, err := http.ReadResponse(c.in, nil)
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", method, path, err)
	}
	defer response.Body.Close()
	if response.StatusCode >= 300 {
		text, _ := io.ReadAll(response.Body)
		return nil, fmt.Errorf("%s %s: %d %s", method, path, response.StatusCode, text)
	}
	_, err = io.Copy(io.Discard, response.Body)
	return response.Header, err
}

// cpuOf returns the processor time that a process has used, with its threads.
func cpuOf(pid int) time.Duration {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(text), ") ")
	fields := strings.Fields(rest)
	var ticks int64
	for _, f := range fields[11:13] { // utime and stime, proc(5)
		n, _ := strconv.ParseInt(f, 10, 64)
		ticks += n
	}
	return time.Duration(ticks) * (time.Second / 100) // what USER_HZ is everywhere
}

// sizes returns how many bytes congad answers with, by the kind of request, for
// the bare server.
func (w *world) sizes(a *asker) map[string]int {
	var made *answer
	var all []string
	for i := range 10 {
		made = a.want(201, "POST", "/api/v1/allocations", fmt.Sprintf(loadRequest, 1000+i, time.Now().Unix()+3600))
		all = append(all, made.header.Get("Location"))
	}
	at := all[9]
	sizes := map[string]int{
		"create": len(made.body),
		"show":   len(a.want(200, "GET", at, "").body),
		"list":   len(a.want(200, "GET", "/api/v1/allocations?per_page=10", "").body),
		"stats":  len(a.want(200, "GET", strings.Replace(at, "/allocations", "/stats/allocations", 1), "").body),
		"update": len(a.want(200, "PATCH", at, `{"duration":1200}`).body),
	}
	for _, one := range all {
		sizes["delete"] = len(a.want(200, "DELETE", one, "").body)
	}
	return sizes
}
