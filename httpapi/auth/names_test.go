package auth_test

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"conga/allocator/store"
	"conga/allocator/store/storetest"
	"conga/httpapi/auth"
)

func subject(s string) auth.Identity {
	return auth.Identity{User: "abc123", Issuer: "https://issuer.example", Subject: s}
}

// TestNamesHaveOneHolder: the first subject that gets a key under a name, also
// after a restart, unless the configuration names another.
func TestNamesHaveOneHolder(t *testing.T) {
	s, c := storetest.NewMemory(), newClock()
	k := openKeys(t, s, c)
	issue := func(who auth.Identity, want error) {
		t.Helper()
		if err := k.Holds(who); !errors.Is(err, want) {
			t.Errorf("%+v holds the name: %v, want %v", who, err, want)
		}
		before := s.Len(store.Keys)
		_, key, err := k.IssueFor(t.Context(), who, "projectB")
		if !errors.Is(err, want) || want == nil && key.Identity() != (auth.Identity{User: who.User, Issuer: who.Issuer, Subject: who.Subject}) {
			t.Errorf("%+v is given %+v, %v, want %v", who, key, err, want)
		}
		if got := s.Len(store.Keys) - before; got != map[bool]int{true: 1, false: 0}[want == nil] {
			t.Errorf("%+v: %d keys more", who, got)
		}
	}
	alice, mallory := subject("alice"), subject("mallory#1")
	for _, restart := range []bool{false, true} {
		if restart {
			k = openKeys(t, s, c)
		}
		issue(alice, nil)
		issue(mallory, auth.ErrName)
		issue(mallory, auth.ErrToken) // and nothing that tells it from another bad token
		issue(alice, nil)
		issue(auth.Identity{User: "abc123"}, nil) // by a password, which is another proof
	}
	elsewhere := mallory
	elsewhere.Issuer = "https://other.example"
	issue(elsewhere, nil)
	other := mallory
	other.User = "abc124"
	issue(other, nil)

	named := mallory
	named.Named = true
	issue(named, nil)
	k = openKeys(t, s, c)
	issue(alice, auth.ErrName)
	issue(mallory, nil)
}

// TestNamesAreSavedWithTheKey: where the store takes neither, the name is free.
func TestNamesAreSavedWithTheKey(t *testing.T) {
	s := storetest.NewMemory()
	k := openKeys(t, s, newClock())
	s.Fail(errors.New("disk full"))
	if _, _, err := k.IssueFor(t.Context(), subject("mallory"), "projectB"); err == nil || errors.Is(err, auth.ErrToken) {
		t.Error(err)
	}
	s.Fail(nil)
	if _, _, err := k.IssueFor(t.Context(), subject("alice"), "projectB"); err != nil {
		t.Error(err)
	}
	if s.Len(store.Names) != 1 || s.Len(store.Keys) != 1 {
		t.Errorf("%d names and %d keys are stored", s.Len(store.Names), s.Len(store.Keys))
	}
	if err := s.Commit(t.Context(), store.Op{Bucket: store.Names, Key: "https://issuer.example abc124", Value: []byte(`{"issuer":"https://issuer.example","user":"abc125","subject":"x"}`)}); err != nil {
		t.Fatal(err)
	}
	if _, err := auth.OpenKeys(t.Context(), auth.KeysConfig{Store: s}); err == nil {
		t.Error("a name that is not that of its record is taken over")
	}
}

// TestNamesAtOnce: of many who come at once under one name, one gets it.
func TestNamesAtOnce(t *testing.T) {
	s := storetest.NewMemory()
	k := openKeys(t, s, newClock())
	var wg sync.WaitGroup
	var given atomic.Int64
	for i := range 50 {
		wg.Go(func() {
			_, _, err := k.IssueFor(t.Context(), subject(fmt.Sprint(i%10)), "projectB")
			if err == nil {
				given.Add(1)
			} else if !errors.Is(err, auth.ErrName) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if given.Load() != 5 || s.Len(store.Names) != 1 || s.Len(store.Keys) != 5 {
		t.Errorf("%d were given a key, %d names, %d keys", given.Load(), s.Len(store.Names), s.Len(store.Keys))
	}
}

// TestNamesOfOldKeys: the subject of a key from before names were kept holds
// its name, also when that key is gone.
func TestNamesOfOldKeys(t *testing.T) {
	s, c := storetest.NewMemory(), newClock()
	k := openKeys(t, s, c)
	alice, mallory := subject("alice"), subject("mallory")
	if _, _, err := k.IssueFor(t.Context(), alice, "projectB"); err != nil {
		t.Fatal(err)
	}
	var names []store.Op
	err := s.Scan(t.Context(), store.Names, func(name string, _ []byte) error {
		names = append(names, store.Op{Bucket: store.Names, Key: name})
		return nil
	})
	if err != nil || len(names) != 1 || s.Commit(t.Context(), names...) != nil {
		t.Fatal(len(names), err)
	}
	for _, restarts := range []string{"the first time", "again, and without the key"} {
		k = openKeys(t, s, c)
		if err := k.Holds(mallory); !errors.Is(err, auth.ErrName) || k.Holds(alice) != nil || s.Len(store.Names) != 1 {
			t.Errorf("opened %s: %v, %v, %d names", restarts, err, k.Holds(alice), s.Len(store.Names))
		}
		c.advance(2 * auth.TTL)
	}
}
