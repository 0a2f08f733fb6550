package limits_test

import (
	"context"
	"errors"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"conga/httpapi/limits"
)

// payers returns four users, and four addresses of strangers.
func payers() (out []limits.Payer) {
	for i := range byte(4) {
		out = append(out, limits.Payer{Known: true, User: string('a' + rune(i)), Project: "p"},
			limits.Payer{Net: limits.Net(netip.AddrFrom4([4]byte{192, 0, 2, i}))})
	}
	return out
}

// TestBodiesStayWithinTheirParts whatever is asked for, and nothing is lost.
func TestBodiesStayWithinTheirParts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := limits.NewBodies(limits.BodiesConfig{Total: 1000, Strangers: 200, Wait: 1})
		over, cancel := context.WithCancel(context.Background())
		cancel() // no request waits
		var shares []*limits.Share
		held := map[limits.Payer]int64{}
		of := map[*limits.Share]limits.Payer{}
		sizes := map[*limits.Share]int64{}
		t.Repeat(map[string]func(*rapid.T){
			"share": func(t *rapid.T) {
				p := rapid.SampledFrom(payers()).Draw(t, "payer")
				c := b.Share(p)
				shares, of[&c] = append(shares, &c), p
			},
			"grow": func(t *rapid.T) {
				if len(shares) == 0 {
					return
				}
				c, n := rapid.SampledFrom(shares).Draw(t, "share"), rapid.Int64Range(1, 120).Draw(t, "n")
				if c.Grow(over, n) == nil {
					held[of[c]] += n
					sizes[c] += n
				}
			},
			"shrink": func(t *rapid.T) {
				if len(shares) == 0 {
					return
				}
				if c := rapid.SampledFrom(shares).Draw(t, "share"); sizes[c] > 1 {
					c.Shrink(1)
					sizes[c]--
					held[of[c]]--
				}
			},
			"release": func(t *rapid.T) {
				if len(shares) == 0 {
					return
				}
				c := rapid.SampledFrom(shares).Draw(t, "share")
				c.Release()
				held[of[c]] -= sizes[c]
				sizes[c] = 0
			},
			"": func(t *rapid.T) {
				var known, strangers int64
				for p, n := range held {
					if p.Known {
						known += n
					} else {
						strangers += n
					}
					if p.Known && n > 200 || !p.Known && n > 50 {
						t.Fatalf("%+v holds %d", p, n)
					}
				}
				if strangers > 200 || known > 800 || b.Held() != strangers+known {
					t.Fatalf("strangers hold %d, others %d, together %d", strangers, known, b.Held())
				}
			},
		})
	})
}

// TestStrangersTakeNoRoomOfOthers: however much they hold, known clients have
// room.
func TestStrangersTakeNoRoomOfOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := limits.NewBodies(limits.BodiesConfig{})
		n := 0
		for i := range 1000 {
			c := b.Share(limits.Payer{Net: limits.Net(netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}))})
			if c.Grow(t.Context(), 64<<10) == nil {
				n++
			}
		}
		if b.Held() != 16<<20 || n != 256 {
			t.Errorf("%d strangers hold %d bytes", n, b.Held())
		}
		c := b.Share(limits.Payer{Known: true, User: "u", Project: "p"})
		if err := c.Grow(t.Context(), 4<<20); err != nil {
			t.Error(err)
		}
	})
}

// TestBodiesWait for room, but not for long.
func TestBodiesWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := limits.NewBodies(limits.BodiesConfig{Total: 400, Strangers: 100})
		p := limits.Payer{Net: limits.Net(netip.MustParseAddr("192.0.2.1"))}
		first, second := b.Share(p), b.Share(p)
		if err := first.Grow(t.Context(), 20); err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		if err := second.Grow(t.Context(), 10); !errors.Is(err, limits.ErrFull) {
			t.Error(err)
		}
		if took := time.Since(start); took != 250*time.Millisecond {
			t.Errorf("it waited for %v", took)
		}
		time.AfterFunc(100*time.Millisecond, first.Release)
		start = time.Now()
		if err := second.Grow(t.Context(), 10); err != nil {
			t.Error(err)
		}
		if took := time.Since(start); took != 100*time.Millisecond {
			t.Errorf("it got its room after %v", took)
		}
		second.Release()
		if b.Held() != 0 {
			t.Errorf("%d bytes are held by nobody", b.Held())
		}
	})
}

// TestFewWait: in a flood the rest hears at once that there is no room.
func TestFewWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := limits.NewBodies(limits.BodiesConfig{Total: 400, Strangers: 100})
		p := limits.Payer{Net: limits.Net(netip.MustParseAddr("192.0.2.1"))}
		start, at := time.Now(), make(chan time.Duration, 1000)
		for range 1000 {
			go func() {
				c := b.Share(p)
				if c.Grow(t.Context(), 26) == nil {
					t.Error("it got more than its share")
				}
				at <- time.Since(start)
			}()
		}
		waited := 0
		for range 1000 {
			if <-at > 0 {
				waited++
			}
		}
		if waited != 64 {
			t.Errorf("%d waited", waited)
		}
	})
}

func TestNet(t *testing.T) {
	for addr, want := range map[string]string{
		"192.0.2.7": "192.0.2.7/32", "::ffff:192.0.2.7": "192.0.2.7/32", "2001:db8:1:2:3:4:5:6": "2001:db8:1:2::/64",
		"fe80::1%eth0": "fe80::/64", "::1": "::/64",
	} {
		if got := limits.Net(netip.MustParseAddr(addr)).String(); got != want {
			t.Errorf("%s counts as %s", addr, got)
		}
	}
	if limits.Net(netip.Addr{}).IsValid() {
		t.Error("nothing is an address")
	}
}
