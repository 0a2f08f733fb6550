package webhook

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	mathrand "math/rand/v2"
	"net"
	"net/http"
	"slices"
	"strconv"
	"time"

	"conga/httpapi/auth"
	"conga/httpapi/events"
)

const (
	attemptTime = 10 * time.Second // of one delivery
	giveUp      = 10 * time.Minute // after the first attempt; then the next event has its turn
	firstRetry  = time.Second      // doubled each time
	lastRetry   = time.Minute
	maxAnswer   = 4 << 10 // bytes of an answer that are read, to use the connection again
)

// reset is the type of the event that says that others were missed.
const reset = "reset"

// The headers of a delivery.
const (
	HeaderEvent     = "X-Conga-Event"     // its type
	HeaderDelivery  = "X-Conga-Delivery"  // its event_id, the same with every attempt
	HeaderTimestamp = "X-Conga-Timestamp" // UNIX seconds of the attempt
	HeaderSignature = "X-Conga-Signature" // see Sign
)

// Sign returns the signature of a delivery: "v1=" and, in hex, the HMAC-SHA256
// under the hook's secret of the timestamp as it is in its header, a point, and
// the body. A receiver that refuses old timestamps cannot be sent an old
// delivery again.
func Sign(secret, timestamp string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	fmt.Fprintf(mac, "%s.", timestamp)
	mac.Write(body)
	return "v1=" + hex.EncodeToString(mac.Sum(nil))
}

// newSecret returns a secret with a prefix of its own: it is not an API key.
func newSecret() auth.Hidden {
	var b [32]byte
	rand.Read(b[:]) // never fails
	return auth.Hidden("whsec_" + base64.RawURLEncoding.EncodeToString(b[:]))
}

// newClient makes a client that follows no redirect, asks no proxy, and goes
// where the configuration allows.
func newClient(cfg Config) *http.Client {
	transport := cfg.Transport
	if transport == nil {
		dialer := &net.Dialer{Timeout: attemptTime}
		if !cfg.AllowPrivate {
			dialer.Control = refusePrivate
		}
		transport = &http.Transport{
			DialContext:            dialer.DialContext,
			TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12},
			TLSHandshakeTimeout:    attemptTime,
			ResponseHeaderTimeout:  attemptTime,
			MaxResponseHeaderBytes: 16 << 10,
			MaxIdleConnsPerHost:    2,
			IdleConnTimeout:        30 * time.Second,
			ForceAttemptHTTP2:      true,
		}
	}
	return &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// worker delivers the events of one hook, one after the other.
type worker struct {
	hooks *Hooks
	sub   *subscription
	id    string

	warned string // the URL that the log has been told about
}

// current returns the hook as it is now; false if it has been deleted.
func (w *worker) current() (Hook, bool) {
	w.hooks.mu.Lock()
	defer w.hooks.mu.Unlock()
	return w.sub.hook, w.hooks.byID[w.id] == w.sub
}

// takes reports whether the hook is for events of that type.
func (hook Hook) takes(kind string) bool { return kind == reset || slices.Contains(hook.Events, kind) }

// run goes through the hub's events. What waits is in the hub's ring, so that a
// target that is away costs nothing but its own events.
func (w *worker) run(ctx context.Context) {
	hook, _ := w.current()
	of := hook.Project // it never changes
	sees := func(project string) bool { return of == "" || project == of }
	reader, err := w.hooks.cfg.Hub.Read(events.Internal, sees)
	if err != nil {
		return // the hub is closed: the daemon is stopping
	}
	defer reader.Close()
	lost := w.sub.old
	for {
		batch := reader.Take()
		if batch.Lost || lost {
			id := strconv.FormatUint(batch.Next-1, 10)
			w.deliver(ctx, reset, id, []byte(`{"event_id":"`+id+`","event":"reset"}`))
			lost = false
		}
		for _, e := range batch.Events {
			hook, ok := w.current()
			if !ok || !hook.takes(e.Type) || ctx.Err() != nil {
				continue
			}
			if text, err := e.JSON(); err == nil {
				w.deliver(ctx, e.Type, strconv.FormatUint(e.ID, 10), text)
			}
		}
		if batch.Closed {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-batch.More:
		}
	}
}

// deliver tries until the target has taken the event, the hook may not have it
// any more, or it is time to give up. Each attempt is made with the hook as it
// then is, and by the rules as they then are.
func (w *worker) deliver(ctx context.Context, kind, id string, body []byte) {
	left := giveUp // of the time for attempts; that of waiting for the directory is not counted
	for retry := firstRetry; ; retry = min(2*retry, lastRetry) {
		hook, ok := w.ready(ctx, kind)
		if !ok {
			return
		}
		begun := time.Now()
		timed, cancel := context.WithTimeout(ctx, left)
		status, err := w.attempt(timed, hook, kind, id, body)
		good := err == nil && status/100 == 2
		w.note(status, good, false)
		again := !good && pause(timed, retry)
		cancel()
		if good || ctx.Err() != nil {
			return
		}
		if left -= time.Since(begun); !again || left <= 0 {
			w.note(status, false, true)
			// Neither the URL nor the error, which has it: people put secrets
			// there.
			w.hooks.cfg.Log.LogAttrs(ctx, slog.LevelWarn, "an event could not be delivered",
				slog.String("webhook", w.id), slog.String("event", kind), slog.Int("status", status))
			return
		}
	}
}

// ready returns the hook if an event may go to it now: it is for such events,
// the user that set its URL may see its project, and the URL is one that could
// be set today. While the directory cannot say whether the user may see the
// project, it waits: an event is not lost because a directory is away. Hooks
// made with the admin's key are not asked about.
func (w *worker) ready(ctx context.Context, kind string) (Hook, bool) {
	for retry := firstRetry; ; retry = min(2*retry, lastRetry) {
		hook, ok := w.current()
		if !ok || !hook.takes(kind) || !w.allowed(ctx, hook) {
			return Hook{}, false
		}
		if hook.Admin || hook.Project == "" {
			return hook, true
		}
		err := w.hooks.cfg.Admit(ctx, hook.User, hook.Project)
		if err == nil {
			return hook, true
		}
		if errors.Is(err, auth.ErrNotMember) || !pause(ctx, retry) {
			return Hook{}, false
		}
	}
}

// allowed reports whether the URL may still be delivered to: the configuration
// may have become stricter since it was set. An event that is not delivered for
// that has failed.
func (w *worker) allowed(ctx context.Context, hook Hook) bool {
	err := checkURL(hook.URL, w.hooks.cfg.AllowPrivate)
	if err == nil {
		return true
	}
	w.note(0, false, true)
	if w.warned != hook.URL {
		w.warned = hook.URL
		w.hooks.cfg.Log.LogAttrs(ctx, slog.LevelWarn, "the configuration no longer allows a webhook's URL, and nothing is delivered to it; it must be changed or deleted",
			slog.String("webhook", w.id), slog.Any("err", err))
	}
	return false
}

// pause waits for about that long. It reports whether it did; ctx may end
// first.
func pause(ctx context.Context, about time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(about/2 + mathrand.N(about)):
		return true
	}
}

// attempt sends one POST. The status is 0 if there was no answer.
func (w *worker) attempt(ctx context.Context, hook Hook, kind, id string, body []byte) (status int, err error) {
	ctx, cancel := context.WithTimeout(ctx, attemptTime)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, hook.URL, bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	timestamp := strconv.FormatInt(w.hooks.cfg.Now().Unix(), 10)
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("User-Agent", "conga")
	request.Header.Set(HeaderEvent, kind)
	request.Header.Set(HeaderDelivery, id)
	request.Header.Set(HeaderTimestamp, timestamp)
	request.Header.Set(HeaderSignature, Sign(string(hook.Secret), timestamp, body))
	response, err := w.hooks.client.Do(request)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	_, _ = io.CopyN(io.Discard, response.Body, maxAnswer)
	return response.StatusCode, nil
}

// note counts what became of a delivery.
func (w *worker) note(status int, delivered, failed bool) {
	w.hooks.mu.Lock()
	defer w.hooks.mu.Unlock()
	s := &w.sub.status
	s.LastStatus = status
	if delivered {
		s.Delivered++
	}
	if failed {
		s.Failed++
	}
}
