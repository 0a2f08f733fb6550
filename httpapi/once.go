package httpapi

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"conga/httpapi/auth"
	"conga/httpapi/replay"
)

const (
	headerIdempotency = "Idempotency-Key"
	headerReplayed    = "Idempotent-Replayed"
)

// kept is the reply as it is given again. The media type is not part of it: that
// is negotiated each time.
func (r reply) kept() (replay.Answer, error) {
	var buf bytes.Buffer
	err := encode(&buf, success(r.results))
	return replay.Answer{Status: r.status, Header: r.header, Body: buf.Bytes()}, err
}

// once has a request with an Idempotency-Key take effect once: sent again within
// a day, it is answered as it was the first time. What was refused had no effect
// and is judged anew.
func (a *api) once(h handler) handler {
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
		attempt, answer, err := a.Replays.Begin(ownerOf(x.key), key, x.digest())
		switch {
		case errors.Is(err, replay.ErrOther):
			return newFault(http.StatusUnprocessableEntity, headerIdempotency+": "+replay.ErrOther.Error())
		case errors.Is(err, replay.ErrInFlight):
			return &fault{status: http.StatusConflict, errs: []string{headerIdempotency + ": " + replay.ErrInFlight.Error()}, retry: 1}
		case err != nil:
			return err
		case answer != nil:
			for name, value := range answer.Header {
				x.Header(name, value)
			}
			x.Header(headerReplayed, "true")
			write(x.Context, answer.Status, x.mediaType(), answer.Body)
			return nil
		}
		x.attempt = attempt
		defer attempt.End(false) // unless answer has ended it
		return h(x)
	}
}

// unrepeated refuses an Idempotency-Key where the answer holds a secret: it is not
// kept to be given again, and a client must not believe that it is.
func (a *api) unrepeated(h handler) handler {
	return func(x *exchange) error {
		if len(x.Request.Header.Values(headerIdempotency)) > 0 {
			return newFault(http.StatusBadRequest, headerIdempotency+": is not taken here, for the answer holds a secret, which is not kept; the list shows whether an earlier request was carried out")
		}
		return h(x)
	}
}

// idempotencyKey is the key that the request carries, bare or as the string of
// RFC 8941 that the draft asks for; "" if there is none.
func idempotencyKey(h http.Header) (string, error) {
	given := h.Values(headerIdempotency)
	if len(given) == 0 {
		return "", nil
	}
	key := given[0]
	if len(key) >= 2 && key[0] == '"' && key[len(key)-1] == '"' {
		key = key[1 : len(key)-1]
	}
	printable := func(r rune) bool { return r < '!' || r > '~' }
	if len(given) > 1 || key == "" || len(key) > replay.MaxKey || strings.ContainsFunc(key, printable) || strings.Contains(key, auth.Prefix) {
		return "", newFault(http.StatusBadRequest, headerIdempotency+": must be one text of 1 to "+
			strconv.Itoa(replay.MaxKey)+" printable ASCII characters without spaces, and no API key")
	}
	return key, nil
}

// ownerOf is whose idempotency keys a request uses: they outlive an API key.
func ownerOf(key auth.Key) string {
	if key.Admin {
		return "" // a user has a name
	}
	return strconv.Quote(key.Project) + strconv.Quote(key.User)
}

// digest is all that makes a request the same one. The API key is not part of
// it: a client may have had to ask for a new one in between.
func (x *exchange) digest() replay.Digest {
	h := sha256.New()
	part := func(b []byte) {
		_ = binary.Write(h, binary.BigEndian, uint64(len(b))) // a hash does not fail
		h.Write(b)
	}
	part([]byte(x.Request.Method))
	part([]byte(routeLabel(x.Request.URL.Path))) // with a version or without
	part([]byte(x.Request.URL.RawQuery))
	inOrder := slices.SortedFunc(slices.Values(x.body.members), func(a, b member) int { return strings.Compare(a.name, b.name) })
	for _, m := range inOrder {
		if m.name != "api_key" {
			part([]byte(m.name))
			part(m.raw)
		}
	}
	return replay.Digest(h.Sum(nil))
}
