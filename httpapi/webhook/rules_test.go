package webhook

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestRetriesEndWithMembership: a user that has left the project is not sent
// its events, not even one that was being sent.
func TestRetriesEndWithMembership(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t)
		defer func() { f.stop() }()
		hook := f.create("p", "a")
		f.status = []int{500, 500, 500, 500, 500}
		f.publish("a", "p")
		time.Sleep(100 * time.Millisecond)
		if n := len(f.taken()); n != 1 {
			t.Fatalf("%d attempts at first", n)
		}
		f.member.Store(false)
		time.Sleep(time.Hour)
		if n := len(f.taken()); n != 1 {
			t.Errorf("%d attempts after the user has left", n-1)
		}
		if _, s, _ := f.hooks.Get(hook.ID); s.Failed != 0 {
			t.Errorf("status %+v", s)
		}
	})
}

// TestRetriesWaitForTheDirectory: the time in which the directory cannot be
// asked is not taken from that of the attempts.
func TestRetriesWaitForTheDirectory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t)
		defer func() { f.stop() }()
		hook := f.create("p", "a")
		f.status = []int{500}
		f.publish("a", "p")
		time.Sleep(100 * time.Millisecond)
		f.dark.Store(true)
		time.Sleep(3 * giveUp)
		if n := len(f.taken()); n != 1 {
			t.Errorf("%d attempts without knowing to whom", n-1)
		}
		f.dark.Store(false)
		time.Sleep(2 * lastRetry)
		if _, s, _ := f.hooks.Get(hook.ID); s != (Status{Delivered: 1, LastStatus: 200}) {
			t.Errorf("status %+v", s)
		}
	})
}

// TestRulesOfToday: a target that could be set while allow_private was true
// gets nothing when it is false, until its URL is one that may be set.
func TestRulesOfToday(t *testing.T) {
	for _, url := range []string{"http://example.org/secret-path", "https://10.0.0.1/secret-path", "https://localhost/secret-path"} {
		synctest.Test(t, func(t *testing.T) {
			f := newFixture(t)
			defer func() { f.stop() }()
			f.stop()
			f.private = true
			f.start()
			hook, err := f.hooks.Create(t.Context(), Hook{Project: "p", User: "u", URL: url, Events: []string{"a"}}, nil)
			if err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			f.publish("a", "p")
			time.Sleep(time.Second)
			f.stop()
			f.private = false
			f.start()
			f.publish("a", "p")
			f.publish("a", "p")
			time.Sleep(time.Hour)
			synctest.Wait()
			if n := len(f.taken()); n != 1 {
				t.Errorf("%s: %d deliveries after it was forbidden", url, n-1)
			}
			if _, s, _ := f.hooks.Get(hook.ID); s.Failed == 0 || s.Delivered != 0 {
				t.Errorf("%s: status %+v", url, s)
			}
			if log := f.log.String(); strings.Count(log, hook.ID) != 1 || strings.Contains(log, "secret-path") {
				t.Errorf("the log is %s", log)
			}
			if _, _, err := f.change(hook.ID, Change{URL: new("https://example.com/"), User: "u"}); err != nil {
				t.Fatal(err)
			}
			f.publish("a", "p")
			time.Sleep(time.Second)
			if n := len(f.taken()); n != 2 {
				t.Errorf("%s: %d deliveries to its new URL", url, n-1)
			}
		})
	}
}
