package auth

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// How long an answer of an HTTP directory counts. A yes outlives an outage of the
// directory by a while, so that running jobs are not cut off; a no does not
// last, so that who has just been admitted need not wait. Where there is no
// yes, an outage means that nobody gets in.
const (
	yesFresh  = time.Minute
	noFresh   = 10 * time.Second
	yesStale  = 15 * time.Minute // after it was given, if the directory does not answer
	failFresh = 2 * time.Second  // a directory that failed is left alone for so long

	maxAsking = 32       // questions at once
	maxAnswer = 64 << 10 // bytes
)

// HTTPConfig says which directory to ask, and how.
type HTTPConfig struct {
	// URL has {user} and {project} where they belong, such as
	// https://directory.example/users/{user}/projects/{project}.
	URL   string
	Roots *tls.Config
	Now   func() time.Time // nil: time.Now
	Log   *slog.Logger     // nil: none
}

// CheckHTTP is what is wrong with the URL of a directory, or nil.
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

// HTTP is a directory of members that is asked over HTTP: GET the URL, and
// {"is_active": true} makes the user a member of the project. 404 does not;
// anything else is no answer.
type HTTP struct {
	url    string
	client *http.Client
	now    func() time.Time
	log    *slog.Logger
	asking chan struct{} // a token for each question under way

	mu      sync.Mutex
	answers map[owner]membership
	flights map[owner]chan struct{} // closed when the question is done
}

// membership is what is known of one user in one project.
type membership struct {
	known  bool // it has been answered at all
	active bool
	at     time.Time // answered
	failed time.Time // not answered, after that; zero: no
}

// verdict is the answer that m gives now, if it gives one.
func (m membership) verdict(now time.Time) (err error, ok bool) {
	age := now.Sub(m.at)
	switch {
	case m.known && m.active && age < yesFresh:
		return nil, true
	case m.known && !m.active && age < noFresh:
		return ErrNotMember, true
	case m.failed.IsZero() || now.Sub(m.failed) >= failFresh:
		return nil, false
	case m.known && m.active && age < yesStale:
		return nil, true
	}
	return errNoAnswer, true
}

// seen is when something was last learned.
func (m membership) seen() time.Time {
	if m.failed.After(m.at) {
		return m.failed
	}
	return m.at
}

var errNoAnswer error = &UnavailableError{Reason: "the directory of projects cannot be asked now; try again later"}

// NewHTTP checks cfg and makes a directory of it. It asks nobody anything.
func NewHTTP(cfg HTTPConfig) (*HTTP, error) {
	if err := CheckHTTP(cfg.URL); err != nil {
		return nil, fmt.Errorf("auth: directory: %w", err)
	}
	h := &HTTP{
		url: cfg.URL, client: newOutsideClient(cfg.Roots), now: cfg.Now, log: cfg.Log,
		asking: make(chan struct{}, maxAsking), answers: map[owner]membership{}, flights: map[owner]chan struct{}{},
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

// Admit succeeds if user is a member of project. It fails with [ErrNotMember],
// which does not say whether either exists, or with an [*UnavailableError].
func (h *HTTP) Admit(ctx context.Context, user, project string) error {
	// Two dots would climb in the URL.
	for _, name := range []string{user, project} {
		if !ValidName(name) || name == "." || name == ".." {
			return ErrNotMember
		}
	}
	who := owner{user, project}
	for {
		h.mu.Lock()
		if err, ok := h.answers[who].verdict(h.now()); ok {
			h.mu.Unlock()
			return err
		}
		flight := h.flights[who]
		if flight == nil { // one question, however many wait for its answer
			flight = make(chan struct{})
			h.flights[who] = flight
			go h.ask(who, flight)
		}
		h.mu.Unlock()
		select {
		case <-flight:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// ask asks the directory and remembers what came of it. It does not end with a
// client that hangs up: others may wait for the same answer.
func (h *HTTP) ask(who owner, flight chan struct{}) {
	defer close(flight)
	active, err := false, errors.New("too many questions are under way")
	select {
	case h.asking <- struct{}{}:
		active, err = h.get(who)
		<-h.asking
	default:
	}
	if err != nil {
		h.log.Warn("the directory of projects does not answer", "err", shortened(err))
	}
	now := h.now()
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.flights, who)
	m, known := h.answers[who]
	if !known {
		makeRoom(h.answers, now, membership.seen)
	}
	if err != nil {
		m.failed = now
	} else {
		m = membership{known: true, active: active, at: now}
	}
	h.answers[who] = m
}

// get is one question. Its errors have neither names nor the URL in them.
func (h *HTTP) get(who owner) (active bool, err error) {
	r, err := http.NewRequest(http.MethodGet, h.address(who), nil)
	if err != nil {
		return false, errors.New("the URL cannot be made")
	}
	r.Header.Set("Accept", "application/json")
	a, err := h.client.Do(r)
	if err != nil {
		if u, ok := errors.AsType[*url.Error](err); ok {
			err = u.Err
		}
		return false, err
	}
	defer a.Body.Close()
	text, err := io.ReadAll(io.LimitReader(a.Body, maxAnswer+1))
	switch {
	case a.StatusCode == http.StatusNotFound:
		return false, nil
	case a.StatusCode != http.StatusOK:
		return false, fmt.Errorf("it answers %d", a.StatusCode)
	case err != nil:
		return false, err
	case len(text) > maxAnswer:
		return false, fmt.Errorf("its answer is longer than %d bytes", maxAnswer)
	}
	var said struct {
		Active *bool `json:"is_active"`
	}
	if json.Unmarshal(text, &said) != nil || said.Active == nil {
		return false, errors.New("its answer has no is_active that is true or false")
	}
	return *said.Active, nil
}

// address is the URL with the names in it, escaped for the place where they are.
func (h *HTTP) address(who owner) string {
	path, query, has := strings.Cut(h.url, "?")
	path = strings.NewReplacer("{user}", url.PathEscape(who.user), "{project}", url.PathEscape(who.project)).Replace(path)
	if !has {
		return path
	}
	return path + "?" + strings.NewReplacer("{user}", url.QueryEscape(who.user), "{project}", url.QueryEscape(who.project)).Replace(query)
}
