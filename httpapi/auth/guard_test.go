package auth_test

import (
	"errors"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"conga/httpapi/auth"
)

// wait returns how long err asks the client to wait, 0 for no error.
func wait(t *testing.T, err error) time.Duration {
	t.Helper()
	if err == nil {
		return 0
	}
	w, ok := errors.AsType[*auth.WaitError](err)
	if !ok || w.Seconds() < 1 {
		t.Fatalf("error is %v", err)
	}
	return w.After
}

func TestGuardLimitsOneClient(t *testing.T) {
	c := newClock()
	g := auth.NewGuard(auth.GuardConfig{Rate: 1, Burst: 3, Now: c.now})
	a, b := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2")
	for range 3 {
		if d := wait(t, g.Admit(a, "u")); d != 0 {
			t.Errorf("within the burst: wait %v", d)
		}
	}
	for range 10 { // asking again does not make it worse
		if d := wait(t, g.Admit(a, "u")); d != time.Second {
			t.Errorf("beyond the burst: wait %v", d)
		}
	}
	if d := wait(t, g.Admit(netip.MustParseAddr("::ffff:192.0.2.1"), "u")); d == 0 {
		t.Error("the same client by its IPv4-mapped address was admitted")
	}
	if d := wait(t, g.Admit(b, "u")); d != 0 {
		t.Errorf("another client: wait %v", d)
	}
	c.advance(time.Second)
	if d := wait(t, g.Admit(a, "u")); d != 0 {
		t.Errorf("a second later: wait %v", d)
	}
}

func TestGuardTakesAnIPv6HomeForOneClient(t *testing.T) {
	g := auth.NewGuard(auth.GuardConfig{Rate: 1, Burst: 1, Now: newClock().now})
	if d := wait(t, g.Admit(netip.MustParseAddr("2001:db8::1"), "u")); d != 0 {
		t.Errorf("first: wait %v", d)
	}
	if d := wait(t, g.Admit(netip.MustParseAddr("2001:db8::2%eth0"), "u")); d == 0 {
		t.Error("another address of the /64 was admitted")
	}
	if d := wait(t, g.Admit(netip.MustParseAddr("2001:db8:0:1::1"), "u")); d != 0 {
		t.Errorf("another /64: wait %v", d)
	}
}

// TestGuardHoldsASite: a /48 has 65,536 homes, and yet is no more than eight
// clients, for the requests of all and for the wrong passwords of one user.
func TestGuardHoldsASite(t *testing.T) {
	c := newClock()
	home := func(site, n int) netip.Addr {
		return netip.AddrFrom16([16]byte{0x20, 1, 0xd, 0xb8, 0, byte(site), byte(n >> 8), byte(n), 15: 1})
	}
	g := auth.NewGuard(auth.GuardConfig{Rate: 1, Burst: 10, Now: c.now})
	guess := func(user func(guess int) string) (guesses int) {
		for n := range 2000 {
			for name := user(guesses); g.Admit(home(1, n), name) == nil; name = user(guesses) {
				g.Failed(home(1, n), name)
				guesses++
			}
		}
		return guesses
	}
	if n := guess(func(int) string { return "victim" }); n != 40 {
		t.Errorf("%d guesses at one user, want 8 times 5", n)
	}
	c.advance(9 * time.Minute) // a lock-out is over, and all may ask again
	if n := guess(func(guess int) string { return fmt.Sprint(guess) }); n != 80 {
		t.Errorf("%d guesses at many users, want 8 times 10", n)
	}
	if d := wait(t, g.Admit(home(1, 5000), "victim")); d != time.Second/8 {
		t.Errorf("another home of the site: wait %v", d)
	}
	if d := wait(t, g.Admit(home(2, 0), "victim")); d != 0 {
		t.Errorf("another site: wait %v", d)
	}

	// One home that asks and asks does not speak for its neighbours.
	for range 1000 {
		_ = g.Admit(home(3, 1), "u")
	}
	if d := wait(t, g.Admit(home(3, 2), "u")); d != 0 {
		t.Errorf("its neighbour: wait %v", d)
	}
	for range 39 {
		g.Failed(home(4, 1), "u")
	}
	g.Succeeded(home(4, 2), "u")
	g.Failed(home(4, 2), "u")
	if d := wait(t, g.Admit(home(4, 2), "u")); d != 0 {
		t.Errorf("after a right password from the site: wait %v", d)
	}
}

func TestGuardLocksOutAfterFailures(t *testing.T) {
	c := newClock()
	g := auth.NewGuard(auth.GuardConfig{Rate: 1000, Burst: 1000, Now: c.now})
	a := netip.MustParseAddr("192.0.2.1")
	for i := range 4 {
		g.Failed(a, "u")
		if d := wait(t, g.Admit(a, "u")); d != 0 {
			t.Errorf("after %d failures: wait %v", i+1, d)
		}
	}
	last := time.Duration(0)
	for range 12 {
		g.Failed(a, "u")
		d := wait(t, g.Admit(a, "u"))
		if d < last || d < 2*time.Second || d > 5*time.Minute {
			t.Errorf("lock-out of %v after one of %v", d, last)
		}
		last = d
		c.advance(d)
		if d := wait(t, g.Admit(a, "u")); d != 0 {
			t.Errorf("after the lock-out: wait %v", d)
		}
	}
	if last != 5*time.Minute {
		t.Errorf("the longest lock-out is %v", last)
	}
	g.Failed(a, "u")
	if d := wait(t, g.Admit(a, "v")); d != 0 {
		t.Errorf("another user: wait %v", d)
	}
	if d := wait(t, g.Admit(netip.MustParseAddr("192.0.2.2"), "u")); d != 0 {
		t.Errorf("the user from elsewhere: wait %v", d)
	}
	g.Succeeded(a, "u")
	if d := wait(t, g.Admit(a, "u")); d != 0 {
		t.Errorf("after a right password: wait %v", d)
	}
}

// TestGuardIsBounded comes from more networks and with more names than are
// remembered; it must neither grow without end nor take quadratic time.
func TestGuardIsBounded(t *testing.T) {
	g := auth.NewGuard(auth.GuardConfig{Now: newClock().now})
	for i := range 50_000 {
		addr := netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)})
		if d := wait(t, g.Admit(addr, "u")); d != 0 {
			t.Fatalf("a fresh client: wait %v", d)
		}
		g.Failed(addr, fmt.Sprint(i))
	}
	if clients, failures := auth.GuardSize(g); clients > 8192 || failures > 8192 {
		t.Errorf("%d clients and %d failures are remembered", clients, failures)
	}
}

// TestGuardKeepsLockouts: a client that is locked out stays so when it fails
// under many names.
func TestGuardKeepsLockouts(t *testing.T) {
	c := newClock()
	g := auth.NewGuard(auth.GuardConfig{Rate: 1e6, Burst: 1e6, Now: c.now})
	a := netip.MustParseAddr("192.0.2.1")
	for range 20 {
		g.Failed(a, "victim")
	}
	for n := range 30_000 {
		g.Failed(a, fmt.Sprint(n))
	}
	if wait(t, g.Admit(a, "victim")) == 0 {
		t.Error("the lock-out is forgotten")
	}
	c.advance(5 * time.Minute)
	for n := range 2_000 { // now it is one among others, and they are as many as can be
		for range 20 {
			g.Failed(a, fmt.Sprint("x", n))
		}
	}
	for n := range 30_000 {
		g.Failed(a, fmt.Sprint(n))
	}
	for n := range 2_000 {
		if wait(t, g.Admit(a, fmt.Sprint("x", n))) == 0 {
			t.Fatalf("lock-out %d is forgotten before one that is over", n)
		}
	}
}
