package auth

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// How long an answer of an HTTP directory counts. A yes outlives an outage of
// the directory by a while, so that running jobs are not cut off; a no does not
// last, so that a user that was just admitted need not wait. Where there is no
// yes, an outage means that no user gets in.
const (
	yesFresh  = time.Minute
	noFresh   = 10 * time.Second
	yesStale  = 15 * time.Minute // after it was given, if the directory does not answer
	failFresh = 2 * time.Second  // a directory that failed is left alone for so long

	maxAsking   = 32       // questions at once about users who have been proved
	maxUnproved = 8        // and about names that any client can send
	maxFlights  = 1024     // questions of either sort that are under way or wait
	maxAnswer   = 64 << 10 // bytes
)

// A HTTPConfig says which directory to ask, and how.
type HTTPConfig struct {
	// URL has {user} and {project} where they belong, such as
	// https://directory.example/users/{user}/projects/{project}.
	URL   string
	Roots *tls.Config
	Now   func() time.Time // nil: time.Now
	Log   *slog.Logger     // nil: none
}

// CheckHTTP returns what is wrong with the URL of a directory, or nil.
func CheckHTTP(template string) error {
	bare := strings.NewReplacer("{user}", "", "{project}", "").Replace(template)
	u, err := url.Parse(bare)
	host, _, _ := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(template, "https://"), "http://"), "/")
	switch {
	case strings.Count(template, "{user}") != 1 || strings.Count(template, "{project}") != 1:
		return errors.New("write a URL that has {user} and {project} where they belong, once each")
	case err != nil || strings.ContainsAny(bare, "{}"):
		return errors.New("this is not a URL with {user} and {project} in it")
	case !SafeURL(u) || strings.ContainsAny(host, "{}"):
		return errors.New("write an https URL; who can forge the answer decides who gets in")
	case u.User != nil || u.Fragment != "":
		return errors.New("the URL must have neither a user of its own nor a fragment")
	}
	return nil
}

// A HTTP is a directory of members that is asked over HTTP: GET the URL, and
// {"is_active": true} makes the user a member of the project, with
// "is_manager": true a manager, and "addresses" are what the project owns. 404
// does not; anything else is no answer.
type HTTP struct {
	url    string
	client *http.Client
	now    func() time.Time
	log    *slog.Logger
	owners atomic.Pointer[Owners] // made of owned

	mu      sync.Mutex
	answers map[owner]membership
	owned   map[string][]Owned // by project
	// Two lines, so that strangers cannot keep users who have been proved
	// waiting.
	proved, unproved line
}

// A line is where questions wait until they can be asked.
type line struct {
	asking  chan struct{} // a token for each question under way
	flights map[owner]*flight
}

func newLine(most int) line {
	return line{make(chan struct{}, most), map[owner]*flight{}}
}

// A flight is one question, however many wait for its answer.
type flight struct {
	done chan struct{} // closed when err is set
	err  error
}

// A membership says what is known of one user in one project.
type membership struct {
	known   bool // it has been answered at all
	active  bool
	manager bool
	at      time.Time // answered
	failed  time.Time // not answered, after that; zero: no
}

// current returns the answer that m gives now, if it gives one.
func (m membership) current(now time.Time) (err error, ok bool) {
	age := now.Sub(m.at)
	switch {
	case m.known && m.active && age < yesFresh:
		return nil, true
	case m.known && !m.active && age < noFresh:
		return ErrNotMember, true
	case m.failed.IsZero() || now.Sub(m.failed) >= failFresh:
		return nil, false
	}
	return m.without(now), true
}

// without returns the answer where the directory gives none.
func (m membership) without(now time.Time) error {
	if m.known && m.active && now.Sub(m.at) < yesStale {
		return nil
	}
	return errNoAnswer
}

// seen returns when something was last learned.
func (m membership) seen() time.Time {
	if m.failed.After(m.at) {
		return m.failed
	}
	return m.at
}

var errNoAnswer error = &UnavailableError{Reason: "the directory of projects cannot be asked now; try again later"}

// NewHTTP returns a directory for a configuration that it checks. It sends no
// request.
func NewHTTP(cfg HTTPConfig) (*HTTP, error) {
	if err := CheckHTTP(cfg.URL); err != nil {
		return nil, fmt.Errorf("auth: directory: %w", err)
	}
	h := &HTTP{
		url: cfg.URL, client: newIdentityClient(cfg.Roots), now: cfg.Now, log: cfg.Log,
		answers: map[owner]membership{}, owned: map[string][]Owned{}, proved: newLine(maxAsking), unproved: newLine(maxUnproved),
	}
	if h.now == nil {
		h.now = time.Now
	}
	if h.log == nil {
		h.log = slog.New(slog.DiscardHandler)
	}
	return h, nil
}

// Close gives up idle connections.
func (h *HTTP) Close() { h.client.CloseIdleConnections() }

// Admit succeeds if user, who has been proved, is a member of project. It fails
// with [ErrNotMember], which does not say whether either exists, or with an
// [*UnavailableError].
func (h *HTTP) Admit(ctx context.Context, user, project string) error {
	return h.admit(ctx, &h.proved, owner{user, project})
}

// AdmitUnproved does what Admit does for a user that nothing has proved yet.
// Such questions wait for each other only.
func (h *HTTP) AdmitUnproved(ctx context.Context, user, project string) error {
	return h.admit(ctx, &h.unproved, owner{user, project})
}

// Known reports whether the directory's last word was that user is a member of
// project, and still counts. It asks no server.
func (h *HTTP) Known(user, project string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.answers[owner{user, project}].without(h.now()) == nil
}

// askable reports whether the directory can be asked about a name. Two dots,
// and slashes that a proxy decodes, climb in the URL.
func askable(name string) bool {
	return ValidName(name) && name != "." && name != ".." && !strings.ContainsAny(name, `/\`)
}

func (h *HTTP) admit(ctx context.Context, l *line, who owner) error {
	if !askable(who.user) || !askable(who.project) {
		return ErrNotMember
	}
	h.mu.Lock()
	m, now := h.answers[who], h.now()
	if err, ok := m.current(now); ok {
		h.mu.Unlock()
		return err
	}
	f := l.flights[who]
	if f == nil {
		if len(l.flights) >= maxFlights {
			h.mu.Unlock()
			return m.without(now)
		}
		f = &flight{done: make(chan struct{})}
		l.flights[who] = f
		go h.ask(l, who, f)
	}
	h.mu.Unlock()
	select {
	case <-f.done:
		return f.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// ask asks the directory when fewer questions are under way than may be. It
// does not end with a client that hangs up: others may wait for the same
// answer.
func (h *HTTP) ask(l *line, who owner, f *flight) {
	defer close(f.done)
	wait := time.NewTimer(identityTimeout)
	defer wait.Stop()
	select {
	case l.asking <- struct{}{}:
		s, err := h.get(who)
		<-l.asking
		if err == nil {
			err = h.own(who.project, s)
		}
		if err != nil {
			h.log.Warn("the directory of projects does not answer", "err", shortened(err))
		}
		h.mu.Lock()
		defer h.mu.Unlock()
		f.err = h.learnLocked(who, s, err)
	case <-wait.C:
		h.log.Warn("too many questions to the directory of projects wait", "at_once", cap(l.asking))
		h.mu.Lock()
		defer h.mu.Unlock()
		f.err = h.answers[who].without(h.now())
	}
	delete(l.flights, who)
}

// learnLocked remembers what a question came to and returns the answer that it
// makes.
func (h *HTTP) learnLocked(who owner, s said, err error) error {
	now := h.now()
	m, known := h.answers[who]
	if !known {
		makeRoom(h.answers, now, membership.seen, func(m membership) bool { return m.without(now) != nil })
	}
	if err == nil {
		m = membership{known: true, active: s.active, manager: s.manager, at: now}
	} else {
		m.failed = now
	}
	h.answers[who] = m
	if err == nil && !s.active {
		return ErrNotMember
	}
	return m.without(now)
}

// get asks one question. Its errors have neither names nor the URL in them.
func (h *HTTP) get(who owner) (said, error) {
	r, err := http.NewRequest(http.MethodGet, h.address(who), nil)
	if err != nil {
		return said{}, errors.New("the URL cannot be made")
	}
	r.Header.Set("Accept", "application/json")
	a, err := h.client.Do(r)
	if err != nil {
		if u, ok := errors.AsType[*url.Error](err); ok {
			err = u.Err
		}
		return said{}, err
	}
	defer a.Body.Close()
	return readAnswer(a)
}

// address returns the URL with the names in it, escaped for the place where
// they are.
func (h *HTTP) address(who owner) string {
	path, query, has := strings.Cut(h.url, "?")
	path = strings.NewReplacer("{user}", url.PathEscape(who.user), "{project}", url.PathEscape(who.project)).Replace(path)
	if !has {
		return path
	}
	return path + "?" + strings.NewReplacer("{user}", url.QueryEscape(who.user), "{project}", url.QueryEscape(who.project)).Replace(query)
}
