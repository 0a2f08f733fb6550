// Package eventually waits in tests for what no channel signals: what other
// processes do, and what is only seen by looking.
package eventually

import "time"

// Patience is how long a test waits for what must happen, on a busy machine.
const Patience = 30 * time.Second

// pause is the time between looks.
const pause = 5 * time.Millisecond

// T is what it needs of a test.
type T interface {
	Helper()
	Fatal(args ...any)
}

// True returns when ok reports true, which it is asked again and again. If that
// does not happen the test fails, and says what it has waited for.
func True(t T, what string, ok func() bool) {
	t.Helper()
	if !Try(ok) {
		t.Fatal("it never happens that ", what)
	}
}

// Try reports whether ok has reported true within [Patience].
func Try(ok func() bool) bool {
	for deadline := time.Now().Add(Patience); !ok(); time.Sleep(pause) {
		if time.Now().After(deadline) {
			return false
		}
	}
	return true
}
