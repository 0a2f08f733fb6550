package auth_test

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"conga/allocator/store"
	"conga/allocator/store/storetest"
	"conga/httpapi/auth"
)

func TestKeyLivesOneDay(t *testing.T) {
	c := newClock()
	keys := openKeys(t, storetest.NewMemory(), c)
	secret, key, err := keys.Issue(t.Context(), "abc123", "projectB")
	if err != nil {
		t.Fatal(err)
	}
	if want := (auth.Key{User: "abc123", Project: "projectB", Start: 1429212515, End: 1429298915}); key != want {
		t.Errorf("key is %+v, want %+v", key, want)
	}
	if !regexp.MustCompile(`^conga_[A-Za-z0-9_-]{43}$`).MatchString(secret) {
		t.Error("the secret is not conga_ and 256 bits")
	}
	c.advance(auth.TTL - time.Second)
	if got, err := keys.Lookup(secret); err != nil || got != key {
		t.Errorf("in its last second: %+v, %v", got, err)
	}
	c.advance(time.Second)
	if _, err := keys.Lookup(secret); !errors.Is(err, auth.ErrNoKey) {
		t.Errorf("after its end: %v", err)
	}
	if _, err := keys.Renew(t.Context(), secret, "abc123", "projectB"); !errors.Is(err, auth.ErrNoKey) {
		t.Errorf("renewing it after its end: %v", err)
	}
}

func TestRenewExtends(t *testing.T) {
	c, s := newClock(), storetest.NewMemory()
	keys := openKeys(t, s, c)
	secret, key, err := keys.Issue(t.Context(), "abc123", "projectB")
	if err != nil {
		t.Fatal(err)
	}
	c.advance(20 * time.Hour)
	for _, other := range [][2]string{{"xyz987", "projectB"}, {"abc123", "projectA"}, {"", ""}} {
		if _, err := keys.Renew(t.Context(), secret, other[0], other[1]); !errors.Is(err, auth.ErrNotYours) {
			t.Errorf("renewed for %v: %v", other, err)
		}
	}
	renewed, err := keys.Renew(t.Context(), secret, "abc123", "projectB")
	if err != nil {
		t.Fatal(err)
	}
	if renewed.Start != key.Start || renewed.End != c.now().Add(auth.TTL).Unix() {
		t.Errorf("renewed key is %+v", renewed)
	}
	c.advance(23 * time.Hour)
	for name, k := range map[string]*auth.Keys{"memory": keys, "store": openKeys(t, s, c)} {
		if _, err := k.Lookup(secret); err != nil {
			t.Errorf("%s: the renewed key: %v", name, err)
		}
	}
}

func TestDeletedKeyStaysDeleted(t *testing.T) {
	c, s := newClock(), storetest.NewMemory()
	keys := openKeys(t, s, c)
	secret, _, err := keys.Issue(t.Context(), "abc123", "projectB")
	if err != nil {
		t.Fatal(err)
	}
	if err := keys.Delete(t.Context(), secret, "xyz987", "projectB"); !errors.Is(err, auth.ErrNotYours) {
		t.Errorf("deleted by another: %v", err)
	}
	s.Fail(errors.New("disk full"))
	if err := keys.Delete(t.Context(), secret, "abc123", "projectB"); err == nil {
		t.Error("deleted without a store")
	}
	if _, err := keys.Lookup(secret); err != nil {
		t.Errorf("a refused deletion changed the key: %v", err)
	}
	s.Fail(nil)
	if err := keys.Delete(t.Context(), secret, "abc123", "projectB"); err != nil {
		t.Fatal(err)
	}
	for name, k := range map[string]*auth.Keys{"memory": keys, "store": openKeys(t, s, c)} {
		if _, err := k.Lookup(secret); !errors.Is(err, auth.ErrNoKey) {
			t.Errorf("%s: the deleted key: %v", name, err)
		}
	}
}

// TestStoreHoldsNoSecret looks for the secret, in any part, in what is stored.
func TestStoreHoldsNoSecret(t *testing.T) {
	s := storetest.NewMemory()
	secret, _, err := openKeys(t, s, newClock()).Issue(t.Context(), "abc123", "projectB")
	if err != nil {
		t.Fatal(err)
	}
	random := strings.TrimPrefix(secret, auth.Prefix)
	n := 0
	err = s.Scan(t.Context(), store.Keys, func(key string, value []byte) error {
		n++
		if all := key + string(value); strings.Contains(all, random[:8]) || strings.Contains(all, random[35:]) {
			t.Error("the secret is in the store")
		}
		return nil
	})
	if err != nil || n != 1 {
		t.Errorf("%d records, error %v", n, err)
	}
}

func TestIssueFailsWithItsStore(t *testing.T) {
	s := storetest.NewMemory()
	keys := openKeys(t, s, newClock())
	s.Fail(errors.New("disk full"))
	secret, _, err := keys.Issue(t.Context(), "abc123", "projectB")
	if err == nil || secret != "" {
		t.Errorf("issued %d bytes without a store, error %v", len(secret), err)
	}
}

func TestAdminKey(t *testing.T) {
	secret := auth.NewSecret()
	keys, err := auth.OpenKeys(t.Context(), auth.KeysConfig{Store: storetest.NewMemory(), Admin: auth.HashSecret(secret)})
	if err != nil {
		t.Fatal(err)
	}
	if key, err := keys.Lookup(secret); err != nil || !key.Admin {
		t.Errorf("the operator's key is %+v, error %v", key, err)
	}
	for _, wrong := range []string{"", "conga_", auth.NewSecret(), secret + "x", secret[:len(secret)-1], strings.ToUpper(secret)} {
		if key, err := keys.Lookup(wrong); !errors.Is(err, auth.ErrNoKey) || key.Admin {
			t.Errorf("a wrong key of %d bytes is %+v, error %v", len(wrong), key, err)
		}
	}
	if _, err := keys.Status(secret); !errors.Is(err, auth.ErrNoKey) {
		t.Errorf("the operator's key has a status: %v", err)
	}
}

// TestNoAdminByDefault: the zero digest must belong to no key.
func TestNoAdminByDefault(t *testing.T) {
	keys := openKeys(t, storetest.NewMemory(), newClock())
	if key, err := keys.Lookup(auth.NewSecret()); err == nil {
		t.Errorf("a stranger is %+v", key)
	}
}

func TestPurge(t *testing.T) {
	c, s := newClock(), storetest.NewMemory()
	keys := openKeys(t, s, c)
	for i := range 5 {
		if _, _, err := keys.Issue(t.Context(), "abc123", "projectB"); err != nil {
			t.Fatal(err)
		}
		if i < 4 {
			c.advance(time.Hour)
		}
	}
	c.advance(auth.TTL - 2*time.Hour) // the first three are over
	if n, err := keys.Purge(t.Context()); n != 3 || err != nil {
		t.Errorf("purged %d, error %v", n, err)
	}
	if n := s.Len(store.Keys); n != 2 {
		t.Errorf("%d records are left, want 2", n)
	}
}

func TestRunPurges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := storetest.NewMemory()
		keys, err := auth.OpenKeys(t.Context(), auth.KeysConfig{Store: s})
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := keys.Issue(t.Context(), "abc123", "projectB"); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { keys.Run(ctx); close(done) }()
		time.Sleep(auth.TTL - time.Minute)
		if n := s.Len(store.Keys); n != 1 {
			t.Errorf("%d records before the end, want 1", n)
		}
		time.Sleep(time.Hour)
		if n := s.Len(store.Keys); n != 0 {
			t.Errorf("%d records an hour after the end, want 0", n)
		}
		cancel()
		<-done
	})
}

// TestLimitOfKeys also asks for many at once.
func TestLimitOfKeys(t *testing.T) {
	c := newClock()
	disk := storetest.NewMemory()
	keys := openKeys(t, disk, c)
	var wg sync.WaitGroup
	var mu sync.Mutex
	issued := 0
	for range 8 {
		wg.Go(func() {
			for range 130 {
				_, _, err := keys.Issue(t.Context(), "abc123", "projectB")
				if err != nil {
					t.Errorf("Issue: %v", err)
				} else {
					mu.Lock()
					issued++
					mu.Unlock()
				}
			}
		})
	}
	wg.Wait()
	held := keys.Held(func(k auth.Key) bool { return k.User == "abc123" })
	if issued != 1040 || len(held) != 1000 || disk.Len(store.Keys) != 1000 {
		t.Errorf("%d keys are issued, %d of one user live and %d are stored, want 1040, 1000 and 1000", issued, len(held), disk.Len(store.Keys))
	}
	if _, _, err := keys.Issue(t.Context(), "xyz987", "projectB"); err != nil {
		t.Errorf("another user has to wait: %v", err)
	}
	c.advance(auth.TTL)
	if _, err := keys.Purge(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, _, err := keys.Issue(t.Context(), "abc123", "projectB"); err != nil {
		t.Errorf("once the others have expired: %v", err)
	}
}

// TestRenewAgainstDelete: whichever comes last, memory and store agree.
func TestRenewAgainstDelete(t *testing.T) {
	for range 50 {
		c, s := newClock(), storetest.NewMemory()
		keys := openKeys(t, s, c)
		secret, _, err := keys.Issue(t.Context(), "abc123", "projectB")
		if err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		wg.Go(func() { _, _ = keys.Renew(t.Context(), secret, "abc123", "projectB") })
		wg.Go(func() {
			if err := keys.Delete(t.Context(), secret, "abc123", "projectB"); err != nil {
				t.Errorf("Delete: %v", err)
			}
		})
		wg.Wait()
		if n := s.Len(store.Keys); n != 0 {
			t.Fatalf("%d records of a deleted key", n)
		}
	}
}

func TestUnreadableRecordIsAnError(t *testing.T) {
	s := storetest.NewMemory()
	if err := s.Commit(t.Context(), store.Op{Bucket: store.Keys, Key: "short", Value: []byte("{}")}); err != nil {
		t.Fatal(err)
	}
	if _, err := auth.OpenKeys(t.Context(), auth.KeysConfig{Store: s}); err == nil {
		t.Error("a record without a digest was read")
	}
}

func TestRedact(t *testing.T) {
	secret := auth.NewSecret()
	for in, want := range map[string]string{
		"nothing here":                       "nothing here",
		"a " + secret + " b, " + secret[:20]: "a conga_[redacted] b, conga_[redacted]",
		fmt.Sprintf("/x/%s/y", secret):       "/x/conga_[redacted]/y",
		"/hooks/whsec_aB3-_x/y":              "/hooks/whsec_[redacted]/y",
		"no eyJhbGciOi.eyJzdWIi.s-_g, sorry": "no eyJ[redacted], sorry",
	} {
		if got := auth.Redact(in); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// TestLeastRecentlyUsedGoes logs in once more than there may be keys.
func TestLeastRecentlyUsedGoes(t *testing.T) {
	c := newClock()
	disk := storetest.NewMemory()
	keys := openKeys(t, disk, c)
	var secrets []string
	for range 1000 {
		secret, _, err := keys.Issue(t.Context(), "abc123", "projectB")
		if err != nil {
			t.Fatal(err)
		}
		secrets = append(secrets, secret)
		c.advance(time.Second)
	}
	for _, secret := range secrets[:2] { // the oldest two are in use
		if _, err := keys.Lookup(secret); err != nil {
			t.Fatal(err)
		}
	}
	disk.Fail(errors.New("no space left"))
	if _, _, err := keys.Issue(t.Context(), "abc123", "projectB"); err == nil {
		t.Error("a key is issued that is not stored")
	}
	disk.Fail(nil)
	if n := len(keys.Held(func(auth.Key) bool { return true })); n != 1000 {
		t.Errorf("%d keys are left after a login that failed", n)
	}
	c.advance(time.Second)
	if _, _, err := keys.Issue(t.Context(), "abc123", "projectB"); err != nil {
		t.Fatal(err)
	}
	for i, secret := range secrets {
		if _, err := keys.Status(secret); (err == nil) != (i != 2) {
			t.Errorf("key %d: %v", i, err)
		}
	}
	again := openKeys(t, disk, c)
	if _, err := again.Status(secrets[2]); err == nil {
		t.Error("the key that made room is back after a restart")
	}
}

// TestEnd ends a key by its ID, as far as the caller sees it.
func TestEnd(t *testing.T) {
	keys := openKeys(t, storetest.NewMemory(), newClock())
	secret, _, err := keys.Issue(t.Context(), "abc123", "projectB")
	if err != nil {
		t.Fatal(err)
	}
	id := auth.KeyID(secret)
	if _, err := keys.End(t.Context(), id, func(auth.Key) bool { return false }); err != auth.ErrNoKey {
		t.Errorf("a key that is not seen: %v", err)
	}
	all := func(auth.Key) bool { return true }
	if key, err := keys.End(t.Context(), id, all); err != nil || key.User != "abc123" {
		t.Error(key, err)
	}
	if _, err := keys.Lookup(secret); err != auth.ErrNoKey {
		t.Errorf("the key lives: %v", err)
	}
	if _, err := keys.End(t.Context(), id, all); err != auth.ErrNoKey {
		t.Errorf("a second time: %v", err)
	}
}
