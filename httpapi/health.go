package httpapi

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"
)

// readyTimeout bounds all readiness checks of one request together.
const readyTimeout = 3 * time.Second

// healthz says that the process serves requests at all.
func (a *api) healthz(c *gin.Context) {
	_ = send(c, http.StatusOK, typeJSON, gin.H{"status": "ok"})
}

// part is one line of a readiness answer.
type part struct {
	Name   string `json:"name"`
	Ready  bool   `json:"ready"`
	Reason string `json:"reason,omitempty"`
}

// readyz says whether every part is ready, and 503 with the reasons if not.
func (a *api) readyz(c *gin.Context) {
	ctx, cancel := context.WithTimeout(c.Request.Context(), readyTimeout)
	defer cancel()
	checks := a.Ready
	if a.Snapshot != nil {
		checks = append([]Check{{Name: "network", Ready: a.networkReady}}, checks...)
	}
	answer := struct {
		Status string `json:"status"`
		Parts  []part `json:"parts"`
	}{"ready", []part{}}
	code := http.StatusOK
	for _, check := range checks {
		p := part{Name: check.Name, Ready: true}
		if err := check.Ready(ctx); err != nil {
			p.Ready, p.Reason = false, err.Error()
			answer.Status, code = "not ready", http.StatusServiceUnavailable
		}
		answer.Parts = append(answer.Parts, p)
	}
	_ = send(c, code, typeJSON, answer)
}

// networkReady needs a picture of the network, be it an empty one: a daemon
// that waits for its first switch does its work.
func (a *api) networkReady(context.Context) error {
	if a.Snapshot() == nil {
		return errors.New("there is no picture of the network yet")
	}
	return nil
}
