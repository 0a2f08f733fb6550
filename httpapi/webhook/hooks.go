package webhook

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"

	"conga/allocator/store"
	"conga/httpapi/auth"
	"conga/httpapi/events"
)

const (
	maxOfProject = 16  // subscriptions of one project
	maxAll       = 256 // and of all together
)

// Errors of this package. Their sentences are fit for the client.
var (
	ErrNotFound = errors.New("no such webhook")
	ErrFull     = errors.New("there are as many webhooks as there may be; delete one that is not needed")
)

// An URLError says why a URL cannot be a target.
type URLError struct{ Err error }

// Error returns what is wrong.
func (e *URLError) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *URLError) Unwrap() error { return e.Err }

// A Hook is a subscription. It lasts while the membership of the user does that
// set its URL. Its JSON is the store's: the secret is in it, and must not be
// shown again.
type Hook struct {
	ID      string      `json:"id"`
	Project string      `json:"project"`         // "": all of them, and the topology
	User    string      `json:"user"`            // that set the URL
	Admin   bool        `json:"admin,omitempty"` // with the admin's key: there is no membership that could end
	URL     string      `json:"url"`
	Events  []string    `json:"events"` // their types
	Created int64       `json:"created"`
	Secret  auth.Hidden `json:"secret"`
}

// Status is how the deliveries of a hook have gone since the daemon started.
type Status struct {
	Delivered  uint64
	Failed     uint64 // given up
	LastStatus int    // of the last answer; 0: none
}

// A Config is what [Open] needs.
type Config struct {
	Store        store.Store
	Hub          *events.Hub
	AllowPrivate bool              // targets may be inside, and plain HTTP
	Now          func() time.Time  // nil: time.Now
	Log          *slog.Logger      // nil: none
	Transport    http.RoundTripper // nil: one that keeps to AllowPrivate
	// Admit succeeds if the user that made a hook may still see the project,
	// and fails with [auth.ErrNotMember] if not. With any other error that is
	// not known now.
	Admit func(ctx context.Context, user, project string) error
}

// Hooks are the subscriptions.
type Hooks struct {
	cfg    Config
	client *http.Client
	wake   chan struct{} // one token: Run looks which hooks are to be served

	// changing is held over the store's answer by all that changes or ends a
	// subscription, so that store and memory agree. It is taken before mu.
	changing sync.Mutex

	mu     sync.Mutex
	byID   map[string]*subscription
	making int // creations under way
}

// A subscription is a hook and the state of its deliveries.
type subscription struct {
	hook   Hook
	old    bool // from before the start: events may have been missed
	status Status
}

// Open reads the subscriptions, and removes those that cannot be read.
func Open(ctx context.Context, cfg Config) (*Hooks, error) {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	h := &Hooks{cfg: cfg, client: newClient(cfg), wake: make(chan struct{}, 1), byID: map[string]*subscription{}}
	var out store.LeftOut
	err := cfg.Store.Scan(ctx, store.Webhooks, func(key string, value []byte) error {
		hook, err := decode(key, value)
		if err != nil {
			out.Add(store.Webhooks, key, err)
			return nil
		}
		h.byID[key] = &subscription{hook: hook, old: true}
		return nil
	})
	out.Warn(cfg.Log)
	if old := out.Removals(); err == nil && len(old) > 0 {
		err = cfg.Store.Commit(ctx, old...)
	}
	if err != nil {
		return nil, fmt.Errorf("webhook: open: %w", err)
	}
	return h, nil
}

// CheckRecord returns a [store.RecordError] if a record of [store.Webhooks]
// cannot be read.
func CheckRecord(key string, value []byte) error {
	_, err := decode(key, value)
	return err
}

// decode reads a hook. Its error has nothing of the value, which has a secret.
func decode(key string, value []byte) (hook Hook, err error) {
	switch {
	case store.Intact(value) != nil:
		err = store.Intact(value)
	case json.Unmarshal(value, &hook) != nil:
		err = errors.New("it is no JSON of a webhook")
	case hook.ID != key:
		err = errors.New("it has another ID")
	case checkURL(hook.URL, true) != nil:
		err = errors.New("its URL cannot be one")
	case hook.Secret == "":
		err = errors.New("it has no secret")
	}
	if err != nil {
		return hook, store.Unreadable(store.Webhooks, key, err)
	}
	return hook, nil
}

// Create makes a subscription of what is given: project, maker, URL and events.
// What along, if it is not nil, returns for its ID is committed with it. The
// secret in what is returned is shown this once. Errors are a [*URLError] and
// [ErrFull].
func (h *Hooks) Create(ctx context.Context, hook Hook, along func(id string) ([]store.Op, error)) (Hook, error) {
	if err := checkURL(hook.URL, h.cfg.AllowPrivate); err != nil {
		return Hook{}, &URLError{err}
	}
	if !h.reserve(hook.Project) {
		return Hook{}, ErrFull
	}
	hook.ID, hook.Created, hook.Secret = uuid.NewString(), h.cfg.Now().Unix(), newSecret()
	err := h.saveNew(ctx, hook, along)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.making--
	if err != nil {
		return Hook{}, fmt.Errorf("webhook: create: %w", err)
	}
	h.byID[hook.ID] = &subscription{hook: hook}
	h.signal()
	return hook, nil
}

// saveNew writes a hook that there has not been.
func (h *Hooks) saveNew(ctx context.Context, hook Hook, along func(id string) ([]store.Op, error)) error {
	var ops []store.Op
	if along != nil {
		var err error
		if ops, err = along(hook.ID); err != nil {
			return err
		}
	}
	return h.save(ctx, hook, ops)
}

// save writes a hook, and along with it what the caller has.
func (h *Hooks) save(ctx context.Context, hook Hook, along []store.Op) error {
	value, err := hook.encode()
	if err != nil {
		return err
	}
	ops := append([]store.Op{{Bucket: store.Webhooks, Key: hook.ID, Value: value}}, along...)
	return h.cfg.Store.Commit(context.WithoutCancel(ctx), ops...)
}

// encode returns the hook as the store has it, with its secret.
func (hook Hook) encode() ([]byte, error) {
	type plain Hook
	return json.Marshal(struct {
		plain
		Secret string `json:"secret"`
	}{plain(hook), string(hook.Secret)})
}

// reserve reports whether there is room for one more, and takes it.
func (h *Hooks) reserve(project string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	own := h.making // of every project
	for _, e := range h.byID {
		if e.hook.Project == project {
			own++
		}
	}
	if own >= maxOfProject || len(h.byID)+h.making >= maxAll {
		return false
	}
	h.making++
	return true
}

// Delete ends a subscription; a delivery under way is broken off. along is
// committed with it. The error may be [ErrNotFound].
func (h *Hooks) Delete(ctx context.Context, id string, along ...store.Op) error {
	h.changing.Lock()
	defer h.changing.Unlock()
	if _, _, err := h.Get(id); err != nil {
		return err
	}
	ops := append([]store.Op{{Bucket: store.Webhooks, Key: id}}, along...)
	if err := h.cfg.Store.Commit(context.WithoutCancel(ctx), ops...); err != nil {
		return fmt.Errorf("webhook: delete: %w", err)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.byID, id)
	h.signal()
	return nil
}

// Get returns a subscription.
func (h *Hooks) Get(id string) (Hook, Status, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	e := h.byID[id]
	if e == nil {
		return Hook{}, Status{}, ErrNotFound
	}
	return e.hook, e.status, nil
}

// List returns the subscriptions for which sees(project), in the order in which
// they were made.
func (h *Hooks) List(sees func(project string) bool) []Hook {
	h.mu.Lock()
	defer h.mu.Unlock()
	var out []Hook
	for _, e := range h.byID {
		if sees(e.hook.Project) {
			out = append(out, e.hook)
		}
	}
	slices.SortFunc(out, func(a, b Hook) int { return cmp.Or(cmp.Compare(a.Created, b.Created), cmp.Compare(a.ID, b.ID)) })
	return out
}

func (h *Hooks) signal() {
	select {
	case h.wake <- struct{}{}:
	default:
	}
}

// Run delivers until ctx ends, each hook's events by a goroutine of its own,
// and returns when all have ended.
func (h *Hooks) Run(ctx context.Context) {
	var workers sync.WaitGroup
	defer h.client.CloseIdleConnections()
	defer workers.Wait()
	running := map[string]context.CancelFunc{}
	for {
		h.mu.Lock()
		for id, e := range h.byID {
			if running[id] == nil {
				own, stop := context.WithCancel(ctx)
				running[id] = stop
				w := &worker{hooks: h, sub: e, id: id}
				workers.Go(func() { w.run(own) })
			}
		}
		for id, stop := range running {
			if h.byID[id] == nil {
				stop()
				delete(running, id)
			}
		}
		h.mu.Unlock()
		select {
		case <-ctx.Done():
			for _, stop := range running {
				stop()
			}
			return
		case <-h.wake:
		}
	}
}
