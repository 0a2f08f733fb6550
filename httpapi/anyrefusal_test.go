package httpapi_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"pgregory.net/rapid"
)

// drawBody draws a request between hosts or prefixes of a meshed network, with
// constraints, times and rates of all kinds; other is an allocation that there
// is, or "".
func drawBody(t *rapid.T, now int64, other string) string {
	some := func(what string, in int) bool { return rapid.IntRange(1, in).Draw(t, what) == 1 }
	rate := func(what string) int { return rapid.IntRange(1, 24).Draw(t, what) * 50_000_000 }
	side := func(d int) string {
		return fmt.Sprintf(rapid.SampledFrom([]string{"10.0.%d.1", "10.0.%d.2", "10.1.%d.7", "10.1.%d.0/24"}).Draw(t, "side"), d)
	}
	moment := func(what string) int64 { return now + 600*rapid.Int64Range(1, 30).Draw(t, what) }
	from := rapid.IntRange(1, 5).Draw(t, "from")
	b := map[string]any{"project_id": "projectB", "src_ip": side(from), "dst_ip": side(1 + (from+rapid.IntRange(0, 3).Draw(t, "to"))%5)}
	drawTimes(b, some, rate, moment, 600*rapid.IntRange(1, 12).Draw(t, "duration"))
	if some("ports", 2) {
		b["protocol"] = rapid.SampledFrom([]string{"tcp", "udp"}).Draw(t, "protocol")
		b["dst_port"] = rapid.SampledFrom([]any{80, "2811,50000-50010", "4096-8191"}).Draw(t, "port")
	}
	if some("back", 4) {
		b["reverse_bandwidth"] = rapid.IntRange(0, 10).Draw(t, "rate back") * 50_000_000
	}
	elements := rapid.SampledFrom([]string{"0000000000000002", "0000000000000003", "0000000000000001:14->0000000000000003:14", "0000000000000003:12->0000000000000004:12"})
	if some("includes", 6) {
		b["include"] = []string{elements.Draw(t, "include")}
	}
	if some("avoids", 6) {
		b["avoid"] = []string{elements.Draw(t, "avoid")}
	}
	if other != "" && some("apart", 5) {
		b["disjoint_from"] = other
	}
	if some("short", 8) {
		b["max_hops"] = rapid.IntRange(1, 4).Draw(t, "hops")
	}
	if some("quick", 8) {
		b["max_latency"] = 1000 * rapid.IntRange(1, 9).Draw(t, "latency")
	}
	if some("protected", 5) {
		b["protection"] = "path"
	}
	if some("held", 6) {
		b["hold"] = 300
	}
	if some("leased", 6) {
		b["lease"] = 600
	}
	if some("a scavenger", 12) {
		b["class"] = "scavenger"
	}
	text, err := json.Marshal(b)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// drawTimes puts rates and times into a body: a window, one to be found, a
// volume, or a series.
func drawTimes(b map[string]any, some func(string, int) bool, rate func(string) int, moment func(string) int64, duration int) {
	switch {
	case some("a volume", 4):
		b["volume"] = int64(rate("volume of a rate")) * int64(duration) / 8
		if some("bounds", 3) {
			b["min_bandwidth"], b["max_bandwidth"] = rate("least")/8, rate("most")+150_000_000
		}
		if b["earliest"] = moment("earliest"); some("in time", 2) {
			b["deadline"] = moment("deadline") + int64(duration)
		}
		return
	case some("in a span", 4):
		b["earliest"] = moment("earliest")
		b["deadline"] = b["earliest"].(int64) + int64(duration)*2
	case some("a series", 6):
		b["start_time"] = moment("start")
		b["recurrence"] = map[string]any{"rrule": "FREQ=DAILY;COUNT=3", "timezone": "Europe/Paris"}
	case some("at a moment", 2):
		b["start_time"] = moment("start")
	}
	b["duration"] = duration
	if !some("no rate", 8) {
		b["bandwidth"] = rate("rate")
	}
}

// noting is a test of which what is wrong is noted.
type noting struct {
	testing.TB
	said []string
}

func (n *noting) Errorf(format string, args ...any) {
	n.said = append(n.said, fmt.Sprintf(format, args...))
}

// TestAnyRefusalHelps: whatever is asked for, what is offered in place of what
// is refused is admitted when it is posted as it is, and something is offered
// unless no path at all meets the constraints that have to be kept. The harness
// posts it.
func TestAnyRefusalHelps(t *testing.T) {
	tried, proven := 0, 0
	rapid.Check(t, func(rt *rapid.T) {
		notes := &noting{TB: t}
		h := newHarnessOf(notes, meshed())
		h.proven = func(body string) bool {
			hopeless := !h.reachable(body)
			if hopeless {
				proven++
			}
			return hopeless
		}
		other := ""
		for range rapid.IntRange(3, 12).Draw(rt, "requests") {
			body := drawBody(rt, h.clock().Unix(), other)
			a := h.do("POST", "/api/v1/allocations", body, bearer(h.key))
			switch a.code {
			case 201:
				other, _ = a.Results[0]["allocation_id"].(string)
			case 403, 409, 422:
			default:
				rt.Fatalf("%s: %d %s", body, a.code, a.body)
			}
			if len(notes.said) > 0 {
				rt.Fatalf("%s", notes.said)
			}
		}
		tried += h.tried
	})
	if tried == 0 && !testing.Short() {
		t.Error("nothing was offered: this tried nothing")
	}
	t.Logf("%d alternatives were admitted; %d times there is no path", tried, proven)
}
