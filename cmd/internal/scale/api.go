//go:build linux

package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// connections is the most connections that the tool has open to the daemon.
const connections = 16

// An api is the daemon's interface as a client sees it.
type api struct {
	base string
	key  string // of the project's user
	boss string // the admin's
	http *http.Client
}

// An allocation holds what the tool reads of one.
type allocation struct {
	ID       string  `json:"allocation_id"`
	State    string  `json:"state"`
	Reason   *string `json:"reason"`
	SrcIP    string  `json:"src_ip"`
	DstIP    string  `json:"dst_ip"`
	SrcPort  *uint16 `json:"src_port"`
	DstPort  *uint16 `json:"dst_port"`
	Protocol string  `json:"protocol"`
	Path     []hop   `json:"path"`
}

// settled reports whether an allocation is active and nothing is under way.
// That it began late is said of it for as long as it runs.
func (a *allocation) settled() bool {
	return a.State == "active" && (a.Reason == nil || strings.HasPrefix(*a.Reason, "began ")) && len(a.Path) > 0
}

// A hop is one switch on a path.
type hop struct {
	DPID string `json:"dpid"`
	In   uint32 `json:"in_port"`
	Out  uint32 `json:"out_port"`
}

// A request asks for an allocation.
type request struct {
	Project   string `json:"project_id"`
	SrcIP     string `json:"src_ip"`
	DstIP     string `json:"dst_ip"`
	SrcPort   uint16 `json:"src_port"`
	DstPort   uint16 `json:"dst_port"`
	Protocol  string `json:"protocol"`
	Duration  int64  `json:"duration"`
	Bandwidth uint64 `json:"bandwidth"`
	StartTime int64  `json:"start_time,omitempty"`
}

// newAPI logs in.
func newAPI(ctx context.Context, d *daemon) (*api, error) {
	a := &api{base: d.url + "/api/v1", boss: d.admin, http: &http.Client{Transport: &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: d.trust, ServerName: "localhost"},
		MaxConnsPerHost: connections + 2, MaxIdleConnsPerHost: connections + 2, // the stream of events has one of its own
	}}}
	var keys []struct {
		Key string `json:"api_key"`
	}
	credentials := map[string]string{"user_id": user, "project_id": project}
	if _, err := a.call(ctx, "", "POST", "/auth", credentials, &keys); err != nil {
		return nil, err
	}
	if len(keys) != 1 {
		return nil, fmt.Errorf("POST /auth: no key")
	}
	a.key = keys[0].Key
	return a, nil
}

func (a *api) close() { a.http.CloseIdleConnections() }

// call makes a request with a key and reads the results of its answer.
func (a *api) call(ctx context.Context, key, method, path string, body, results any) (http.Header, error) {
	return a.callWith(ctx, key, method, path, body, nil, results)
}

func (a *api) callWith(ctx context.Context, key, method, path string, body any, header http.Header, results any) (http.Header, error) {
	r, err := a.send(ctx, key, method, path, body, header)
	if err != nil {
		return nil, err
	}
	defer r.Body.Close()
	if r.StatusCode >= 300 {
		text, _ := io.ReadAll(io.LimitReader(r.Body, 1000))
		return nil, fmt.Errorf("%s %s: %d %s", method, path, r.StatusCode, text)
	}
	answer := struct{ Results any }{results}
	if results == nil {
		_, err = io.Copy(io.Discard, r.Body)
	} else {
		err = json.NewDecoder(r.Body).Decode(&answer)
	}
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", method, path, err)
	}
	_, _ = io.Copy(io.Discard, r.Body) // otherwise the connection is not used again
	return r.Header, nil
}

func (a *api) send(ctx context.Context, key, method, path string, body any, header http.Header) (*http.Response, error) {
	var in io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		in = bytes.NewReader(text)
	}
	r, err := http.NewRequestWithContext(ctx, method, a.base+path, in)
	if err != nil {
		return nil, err
	}
	for name, v := range header {
		r.Header[name] = v
	}
	if key != "" {
		r.Header.Set("Authorization", "Bearer "+key)
	}
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	return a.http.Do(r)
}

// create asks for an allocation and returns its ID and entity tag.
func (a *api) create(ctx context.Context, q request) (id, etag string, err error) {
	return a.createOnce(ctx, q, "")
}

// createOnce asks as create does, under an idempotency key unless that is
// empty.
func (a *api) createOnce(ctx context.Context, q request, once string) (id, etag string, err error) {
	q.Project = project
	header := http.Header{}
	if once != "" {
		header.Set("Idempotency-Key", once)
	}
	var made []allocation
	h, err := a.callWith(ctx, a.key, "POST", "/allocations", q, header, &made)
	if err != nil {
		return "", "", err
	}
	if len(made) != 1 || made[0].ID == "" {
		return "", "", fmt.Errorf("POST /allocations: no allocation in the answer")
	}
	return made[0].ID, h.Get("ETag"), nil
}

// changed asks for an allocation that had an entity tag; fresh is false if it
// still has it.
func (a *api) changed(ctx context.Context, id, etag string) (now allocation, newTag string, fresh bool, err error) {
	r, err := a.send(ctx, a.key, "GET", "/allocations/"+id, nil, http.Header{"If-None-Match": {etag}})
	if err != nil {
		return now, "", false, err
	}
	defer r.Body.Close()
	switch r.StatusCode {
	case http.StatusNotModified:
		return now, etag, false, nil
	case http.StatusOK:
		var answer struct{ Results []allocation }
		err := json.NewDecoder(r.Body).Decode(&answer)
		if err == nil && len(answer.Results) != 1 {
			err = fmt.Errorf("GET /allocations/%s: %d results", id, len(answer.Results))
		}
		if err != nil {
			return now, "", false, err
		}
		_, _ = io.Copy(io.Discard, r.Body)
		return answer.Results[0], r.Header.Get("ETag"), true, nil
	}
	text, _ := io.ReadAll(io.LimitReader(r.Body, 1000))
	return now, "", false, fmt.Errorf("GET /allocations/%s: %d %s", id, r.StatusCode, text)
}

// list returns all allocations that are not complete.
func (a *api) list(ctx context.Context) ([]allocation, error) {
	all, err := pages[allocation](ctx, a, a.key, "/allocations?per_page=1000&project_id="+url.QueryEscape(project))
	if err != nil {
		return nil, err
	}
	live := all[:0]
	for _, one := range all {
		if one.State != "complete" {
			live = append(live, one)
		}
	}
	return live, nil
}

// pages reads a list to its end.
func pages[T any](ctx context.Context, a *api, key, path string) (all []T, err error) {
	for n := 1; n < 10_000; n++ {
		var page []T
		h, err := a.call(ctx, key, "GET", fmt.Sprintf("%s&page=%d", path, n), nil, &page)
		if err != nil {
			return nil, err
		}
		all = append(all, page...)
		if !strings.Contains(h.Get("Link"), `rel="next"`) {
			return all, nil
		}
	}
	return nil, fmt.Errorf("GET %s: the list does not end", path)
}

// count returns how many items a list of the operator's has. With one item a
// page that is the number of its last page, which costs less than to read them.
func (a *api) count(ctx context.Context, list string) (int, error) {
	var page []json.RawMessage
	h, err := a.call(ctx, a.boss, "GET", "/"+list+"?per_page=1", nil, &page)
	if err != nil || len(page) == 0 {
		return 0, err
	}
	for part := range strings.SplitSeq(h.Get("Link"), ",") {
		target, rel, _ := strings.Cut(strings.TrimSpace(part), ">")
		if !strings.Contains(rel, `"last"`) {
			continue
		}
		u, err := url.Parse(strings.TrimPrefix(target, "<"))
		if err != nil {
			return 0, err
		}
		return strconv.Atoi(u.Query().Get("page"))
	}
	return 0, fmt.Errorf("GET /%s: no last page", list)
}

// waitActive waits until an allocation is active. It asks first when acked says
// that the switches have answered all barriers, and then less and less often,
// since answering costs the daemon something.
func (a *api) waitActive(ctx context.Context, id, etag string, acked <-chan struct{}) error {
	began := time.Now()
	pause := 50 * time.Millisecond
	for {
		select {
		case <-acked:
		case <-time.After(pause):
		case <-ctx.Done():
			return fmt.Errorf("allocation %s is not active: %w", id, context.Cause(ctx))
		}
		now, tag, fresh, err := a.changed(ctx, id, etag)
		if err != nil || fresh && now.settled() {
			return err
		}
		etag = tag
		pause = max(time.Millisecond, time.Since(began)/16)
	}
}
