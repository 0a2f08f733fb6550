package httpapi

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"conga/allocator/store"
	"conga/httpapi/auth"
	"conga/httpapi/replay"
	"conga/httpapi/rest"
)

const (
	headerIdempotency = "Idempotency-Key"
	headerReplayed    = "Idempotent-Replayed"
)

// idempotent makes a request with an Idempotency-Key take effect once: sent
// again within a day, it is answered as it was the first time. A refused
// request had no effect and is judged anew.
func (a *api) idempotent(h handler) handler {
	if a.Replays == nil {
		return h
	}
	return func(x *exchange) error {
		key, err := idempotencyKey(x.Request.Header)
		if err != nil {
			return err
		}
		if key == "" {
			return h(x)
		}
		attempt, kept, err := a.Replays.Begin(ownerOf(x.key), key, x.digest())
		switch {
		case errors.Is(err, replay.ErrOther):
			return rest.NewFault(http.StatusUnprocessableEntity, headerIdempotency+": "+replay.ErrOther.Error())
		case errors.Is(err, replay.ErrInFlight):
			return rest.NewFault(http.StatusConflict, headerIdempotency+": "+replay.ErrInFlight.Error()).After(time.Second)
		case errors.Is(err, replay.ErrMany):
			return rest.NewFault(http.StatusTooManyRequests, headerIdempotency+": "+replay.ErrMany.Error()).After(time.Second)
		case err != nil:
			return err
		case kept != nil:
			x.Header(headerReplayed, "true")
			x.sendKept(kept)
			return nil
		}
		x.attempt = attempt
		defer attempt.End(false) // unless answerOnce has ended it
		return h(x)
	}
}

// notIdempotent refuses an Idempotency-Key where the answer holds a secret:
// such an answer is not kept, and a client must not believe that it is.
func (a *api) notIdempotent(h handler) handler {
	return func(x *exchange) error {
		if len(x.Request.Header.Values(headerIdempotency)) > 0 {
			return rest.NewFault(http.StatusBadRequest, headerIdempotency+": is not taken here, for the answer holds a secret, which is not kept; the list shows whether an earlier request was carried out")
		}
		return h(x)
	}
}

// answerOnce sends the reply that render returns. Under an Idempotency-Key it
// sends the answer that was kept with the change, or keeps it alone if nothing
// has changed.
func (x *exchange) answerOnce(render func() (rest.Reply, error)) error {
	var kept *replay.Answer
	if x.attempt != nil {
		kept = x.attempt.Answer()
	}
	if kept == nil {
		r, err := render()
		if err != nil {
			return err
		}
		if x.attempt == nil {
			return r.Send(x.Context)
		}
		if kept, err = keptAnswer(r); err != nil {
			return err
		}
		if err := x.attempt.Save(x.Request.Context(), *kept); err != nil {
			return err
		}
	}
	// Before it is sent: a client that repeats the request at once gets the
	// answer.
	x.attempt.End(true)
	x.sendKept(kept)
	return nil
}

// keptAnswer returns the reply as it is kept. The media type is not part of it:
// it is negotiated for each request.
func keptAnswer(r rest.Reply) (*replay.Answer, error) {
	body, err := r.Body()
	return &replay.Answer{Status: r.Status, Header: r.Header, Body: body}, err
}

// keepOps returns the operations that keep a reply under the request's
// Idempotency-Key.
func (x *exchange) keepOps(r rest.Reply) ([]store.Op, error) {
	kept, err := keptAnswer(r)
	if err != nil {
		return nil, err
	}
	return x.attempt.Ops(*kept)
}

// sendKept answers with a kept answer.
func (x *exchange) sendKept(kept *replay.Answer) {
	for name, value := range kept.Header {
		x.Header(name, value)
	}
	rest.Write(x.Context, kept.Status, rest.AnswerType(x.Request.Header), kept.Body)
}

// idempotencyKey returns the key that the request carries, bare or as the
// string of RFC 8941 that the draft asks for; "" if there is none.
func idempotencyKey(h http.Header) (string, error) {
	given := h.Values(headerIdempotency)
	if len(given) == 0 {
		return "", nil
	}
	key := given[0]
	if len(key) >= 2 && key[0] == '"' && key[len(key)-1] == '"' {
		key = key[1 : len(key)-1]
	}
	unprintable := func(r rune) bool { return r < '!' || r > '~' }
	if len(given) > 1 || key == "" || len(key) > replay.MaxKey || strings.ContainsFunc(key, unprintable) || strings.Contains(key, auth.Prefix) {
		return "", rest.NewFault(http.StatusBadRequest, headerIdempotency+": must be one text of 1 to "+
			strconv.Itoa(replay.MaxKey)+" printable ASCII characters without spaces, and no API key")
	}
	return key, nil
}

// ownerOf returns the owner of the idempotency keys that a request uses: the
// user, since the keys outlive an API key.
func ownerOf(key auth.Key) string {
	if key.Admin {
		return "" // a user has a name
	}
	return strconv.Quote(key.Project) + strconv.Quote(key.User)
}

// digest returns the hash of everything that makes a request the same one. The
// API key is not part of it: a client may have had to ask for a new one in
// between.
func (x *exchange) digest() replay.Digest {
	h := sha256.New()
	add := func(b []byte) {
		_ = binary.Write(h, binary.BigEndian, uint64(len(b))) // a hash does not fail
		h.Write(b)
	}
	add([]byte(x.Request.Method))
	add([]byte(routeLabel(x.Request.URL.Path))) // with a version or without
	add([]byte(x.Request.URL.RawQuery))
	for name, raw := range x.body.All() {
		if name != "api_key" {
			add([]byte(name))
			add(raw)
		}
	}
	return replay.Digest(h.Sum(nil))
}
