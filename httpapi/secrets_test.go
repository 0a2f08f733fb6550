package httpapi_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"strings"
	"sync"

	"conga/allocator/store"
)

// suite is what all tests of the package have left: the logs and stores of
// their harnesses, and the secrets that went through them.
var suite evidence

type evidence struct {
	mu        sync.Mutex
	harnesses []*harness
	secrets   []string
}

func (e *evidence) add(h *harness) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.harnesses = append(e.harnesses, h)
}

// secret adds a text that must not turn up. The first bytes of a key say only
// that it is one.
func (e *evidence) secret(s string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.secrets = append(e.secrets, strings.TrimPrefix(s, "conga_"))
}

// buckets are all but that of the webhooks, which holds what their deliveries
// are signed with, and nothing else that is secret.
var buckets = []store.Bucket{
	store.Allocations, store.History, store.Keys, store.Names, store.Network, store.Connections, store.Statistics, store.Audit, store.Replays,
}

// keyLike matches keys and tokens of any origin.
var keyLike = regexp.MustCompile(`conga_[A-Za-z0-9_-]{43}|eyJ[A-Za-z0-9_-]{10,}`)

// finder looks for all secrets at once, which are thousands.
func (e *evidence) finder() func(text string) (leak string) {
	const mark = "\x00[a secret]"
	var replace []string
	for _, secret := range append(e.secrets, password, "hunter2") {
		replace = append(replace, secret, mark)
	}
	r := strings.NewReplacer(replace...)
	return func(text string) string {
		if at := keyLike.FindStringIndex(text); at != nil {
			return text[max(0, at[0]-100):at[0]] + "[a key or token]"
		}
		found := r.Replace(text)
		if i := strings.Index(found, mark); i >= 0 {
			return found[max(0, i-100):i] + "[a secret]"
		}
		return ""
	}
}

// noSecretIsLeft ends the whole run: it fails if any log or store of any test
// holds a key, a password or a token.
func noSecretIsLeft(code int) {
	stores, leak := 0, suite.finder()
	for _, h := range suite.harnesses {
		if found := leak(h.log.String()); found != "" {
			fmt.Println("FAIL: a secret is in the log:", found)
			code = 1
		}
		for _, bucket := range buckets {
			err := h.disk.Scan(context.Background(), bucket, func(key string, value []byte) error {
				stores++
				if bucket == store.Replays { // answers, as bytes
					value = decoded(value)
				}
				if found := leak(key + " " + string(value)); found != "" {
					return fmt.Errorf("a secret is in the store: %s", found)
				}
				return nil
			})
			if err != nil {
				fmt.Println("FAIL:", err)
				code = 1
			}
		}
	}
	if len(suite.harnesses) > 50 && stores < 50 { // not when a single test is run
		fmt.Println("FAIL: only", stores, "records were looked at")
		code = 1
	}
	os.Exit(code)
}

// decoded returns a kept answer with its body as text.
func decoded(value []byte) []byte {
	var kept struct {
		Body []byte `json:"body"`
	}
	if json.Unmarshal(value, &kept) != nil {
		return value
	}
	return kept.Body
}
