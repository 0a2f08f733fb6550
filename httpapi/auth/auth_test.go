package auth_test

import (
	"testing"
	"time"

	"go.uber.org/goleak"

	"conga/allocator/store/storetest"
	"conga/httpapi/auth"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// clock is a time that tests move.
type clock struct{ t time.Time }

func newClock() *clock { return &clock{time.Unix(1429212515, 0)} }

func (c *clock) now() time.Time          { return c.t }
func (c *clock) advance(d time.Duration) { c.t = c.t.Add(d) }

func openKeys(t *testing.T, s *storetest.Memory, c *clock) *auth.Keys {
	t.Helper()
	k, err := auth.OpenKeys(t.Context(), auth.KeysConfig{Store: s, Now: c.now})
	if err != nil {
		t.Fatal(err)
	}
	return k
}
