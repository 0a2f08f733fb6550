package auth_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"conga/httpapi/auth"
)

// slowly makes each user named a member after that time of the bubble; other
// users get no answer.
type slowly struct {
	takes  func(user string) time.Duration // negative: for ever
	asked  atomic.Int64
	atOnce atomic.Int64
	most   atomic.Int64
}

// RoundTrip implements [http.RoundTripper].
func (s *slowly) RoundTrip(r *http.Request) (*http.Response, error) {
	s.asked.Add(1)
	for n, most := s.atOnce.Add(1), s.most.Load(); n > most && !s.most.CompareAndSwap(most, n); {
		most = s.most.Load()
	}
	defer s.atOnce.Add(-1)
	user, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	answered := make(<-chan time.Time)
	if d := s.takes(user); d >= 0 {
		answered = time.After(d)
	}
	select {
	case <-r.Context().Done():
		return nil, r.Context().Err()
	case <-answered:
	}
	return &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(`{"is_active":true}`))}, nil
}

// inBubble returns a directory that s answers for, by the bubble's clock.
func inBubble(t *testing.T, s *slowly) *auth.HTTP {
	t.Helper()
	h, err := auth.NewHTTP(auth.HTTPConfig{URL: "https://directory.example/{user}/{project}"})
	if err != nil {
		t.Fatal(err)
	}
	auth.AskThrough(h, s)
	return h
}

// TestHTTPDirectoryBurst: more members at once than there may be questions wait
// in line, and are all admitted.
func TestHTTPDirectoryBurst(t *testing.T) {
	for name, admit := range map[string]func(*auth.HTTP, context.Context, string, string) error{
		"proved": (*auth.HTTP).Admit, "unproved": (*auth.HTTP).AdmitUnproved,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &slowly{takes: func(string) time.Duration { return 50 * time.Millisecond }}
				h := inBubble(t, s)
				var wg sync.WaitGroup
				for i := range 100 {
					wg.Go(func() {
						if err := admit(h, t.Context(), fmt.Sprint("u", i), "p"); err != nil {
							t.Error(err)
						}
					})
				}
				wg.Wait()
				if s.asked.Load() != 100 || s.most.Load() > 32 {
					t.Errorf("%d questions, %d at once", s.asked.Load(), s.most.Load())
				}
			})
		})
	}
}

// TestStrangersDoNotHoldUpMembers under any name, not even where the directory
// leaves strangers' questions without an answer.
func TestStrangersDoNotHoldUpMembers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &slowly{takes: func(user string) time.Duration {
			if strings.HasPrefix(user, "member") {
				return 50 * time.Millisecond
			}
			return -1
		}}
		h := inBubble(t, s)
		var wg sync.WaitGroup
		stranger := func(name string, admitted bool) {
			wg.Go(func() {
				if err := h.AdmitUnproved(t.Context(), name, "p"); (err == nil) != admitted {
					t.Errorf("%s without proof: %v", name, err)
				}
			})
		}
		for i := range 500 {
			stranger(fmt.Sprint("stranger", i), false)
		}
		synctest.Wait()
		stranger("member1", true) // behind all the others, and known when it would be asked about
		synctest.Wait()
		began := time.Now()
		if h.Known("member1", "p") {
			t.Error("a member is known before anybody was asked")
		}
		for _, member := range []string{"member1", "member2"} {
			if err := h.Admit(t.Context(), member, "p"); err != nil {
				t.Errorf("%s meanwhile: %v", member, err)
			}
		}
		if d := time.Since(began); d > 100*time.Millisecond {
			t.Errorf("two members waited %v", d)
		}
		if !h.Known("member1", "p") || h.Known("member3", "p") {
			t.Error("what is known is not what was answered")
		}
		stranger("member2", true) // what is known costs no question
		wg.Wait()
		if d := time.Since(began); d > 10*time.Second {
			t.Errorf("the last stranger waited %v", d)
		}
		if n := s.asked.Load(); n > 8*2+2 {
			t.Errorf("%d questions were asked", n)
		}
	})
}

// TestHTTPDirectoryBoundsWhoWaits: beyond, the answer is that there is none.
func TestHTTPDirectoryBoundsWhoWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := inBubble(t, &slowly{takes: func(string) time.Duration { return -1 }})
		var wg sync.WaitGroup
		for i := range 1024 {
			wg.Go(func() { _ = h.Admit(t.Context(), fmt.Sprint("u", i), "p") })
		}
		synctest.Wait()
		began := time.Now()
		if err := h.Admit(t.Context(), "one more", "p"); !isUnavailable(err) || time.Since(began) > 0 {
			t.Errorf("one more, after %v: %v", time.Since(began), err)
		}
		wg.Wait()
	})
}
