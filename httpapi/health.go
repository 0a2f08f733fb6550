package httpapi

import (
	"context"
	"errors"
	"net/http"
	"time"

	"conga/controller/topology"
	"conga/httpapi/rest"

	"github.com/gin-gonic/gin"
)

// readyTimeout bounds all readiness checks of one request together.
const readyTimeout = 3 * time.Second

// healthz answers that the process serves requests at all.
func (a *api) healthz(c *gin.Context) {
	_ = rest.Send(c, http.StatusOK, rest.TypeJSON, gin.H{"status": "ok"})
}

// A checkView is one line of a readiness answer.
type checkView struct {
	Name   string `json:"name"`
	Ready  bool   `json:"ready"`
	Reason string `json:"reason,omitempty"`

	Limitations []string `json:"limitations,omitempty"` // what works, but not fully
}

// readyz answers whether every part is ready, with 503 if not; and why not, to
// operators and clients on this machine.
func (a *api) readyz(c *gin.Context) {
	ctx, cancel := context.WithTimeout(c.Request.Context(), readyTimeout)
	defer cancel()
	checks := a.Ready
	if a.Snapshot != nil {
		checks = append([]Check{{Name: networkPart, Ready: a.networkReady, Limitations: func() []string { return limitationsOf(a.Snapshot()) }}}, checks...)
	}
	answer := struct {
		Status string      `json:"status"`
		Parts  []checkView `json:"parts"`
	}{"ready", []checkView{}}
	code, tells := http.StatusOK, a.watches(&exchange{Context: c})
	for _, check := range checks {
		p := checkView{Name: check.Name, Ready: true}
		if err := check.Ready(ctx); err != nil {
			if p.Ready = false; tells {
				p.Reason = err.Error()
			}
			answer.Status, code = "not ready", http.StatusServiceUnavailable
		}
		if check.Limitations != nil && tells && p.Ready {
			p.Limitations = check.Limitations()
		}
		answer.Parts = append(answer.Parts, p)
	}
	_ = rest.Send(c, code, rest.TypeJSON, answer)
}

// networkPart is the part of readiness that the switches are.
const networkPart = "network"

// mostLimitations is how many limitations a readiness answer lists.
const mostLimitations = 100

// limitationsOf returns what switches cannot do.
func limitationsOf(s *topology.Snapshot) (out []string) {
	for _, sw := range switchesOf(s) {
		for _, l := range sw.Limitations {
			if len(out) == mostLimitations {
				return append(out, "There are more; see /api/v1/switches.")
			}
			out = append(out, "Switch "+sw.DPID.String()+": "+l)
		}
	}
	return out
}

// networkReady needs a picture of the network, be it an empty one: a daemon
// that waits for its first switch does its work.
func (a *api) networkReady(context.Context) error {
	if a.Snapshot() == nil {
		return errors.New("there is no picture of the network yet")
	}
	return nil
}

// showMetrics serves GET and HEAD /metrics. They tell of switches, links and
// reservations, which is for operators; on the machine itself no key is needed.
func (a *api) showMetrics(c *gin.Context) {
	x := &exchange{Context: c}
	if !isLocal(x) {
		err := a.byHeaders(x)
		if err == nil && x.secret == "" {
			err = rest.NewFault(http.StatusUnauthorized, "api_key: an operator's is required, as Authorization: Bearer, but on the daemon's own machine")
		}
		if err != nil {
			a.fail(c, err)
			return
		}
	}
	a.Metrics.ServeHTTP(c.Writer, c.Request)
}

// watches reports whether the client may know how the daemon is in detail.
func (a *api) watches(x *exchange) bool {
	if isLocal(x) {
		return true
	}
	shown := shownInHeaders(x.Request.Header)
	if len(shown) == 0 { // a browser
		if secret, err := a.inCookie(x); err == nil && !a.forged(x.Request) {
			shown = append(shown, secret)
		}
	}
	if len(shown) != 1 {
		return false
	}
	key, err := a.Keys.Lookup(shown[0])
	return err == nil && key.SeesAll()
}

// forwarded are the headers with which a proxy says that a request is not its
// own.
var forwarded = []string{"Forwarded", "X-Forwarded-For", "X-Real-Ip", "Via"}

// isLocal reports whether the client is on this machine itself, and not behind
// a proxy that is.
func isLocal(x *exchange) bool {
	for _, name := range forwarded {
		if _, ok := x.Request.Header[name]; ok {
			return false
		}
	}
	return rest.ClientAddr(x.Context).Unmap().IsLoopback()
}
