package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"conga/cmd/internal/terminal"
	"conga/httpapi/client"
)

const (
	// reportChunk is the most connections of one report, which must fit into a
	// request of 4 MiB.
	reportChunk = 1000
	// maxRounds is how often a chunk is sent at most. After each refusal what
	// the server has named as wrong is left out; it names some twenty at a
	// time.
	maxRounds = 10
)

// report reports the connections of now, in chunks that a request can hold.
func (g *agent) report(ctx context.Context) error {
	list, err := g.scan(ctx, time.Now())
	if err != nil {
		return fmt.Errorf("the connections of this host: %w", err)
	}
	g.reported, g.within = 0, len(list)
	if !g.loopback {
		list = slices.DeleteFunc(list, within)
	}
	g.within -= len(list)
	for i := range list {
		list[i].Source.Deployment, list[i].Source.Job, list[i].Source.Index = g.deployment, g.job, g.index
	}
	list = slices.DeleteFunc(list, impossible)
	left, why := 0, ""
	advance, end := g.uploading(len(list))
	defer end()
	for part := range slices.Chunk(list, reportChunk) {
		n, reason, err := g.send(ctx, part)
		advance(len(part))
		if err != nil {
			return explainAgent(err)
		}
		left, why = left+n, firstOf(why, reason)
		g.reported += len(part) - n
	}
	g.tellLeftOut(left, why)
	return nil
}

// uploading shows on a terminal how many connections of a report have been
// sent, if there are so many that it takes several requests.
func (g *agent) uploading(connections int) (advance func(n int), end func()) {
	if connections <= reportChunk || !terminal.Is(g.err) {
		return func(int) {}, func() {}
	}
	bar := newBar(g.err, int64(connections), "reporting connections")
	return func(n int) { _ = bar.Add(n) }, func() { _ = bar.Clear() }
}

// send reports a chunk. The server takes all of it or nothing, so what it names
// as wrong is left out. left is how many were left out, why the server's
// reason.
func (g *agent) send(ctx context.Context, part []client.Connection) (left int, why string, err error) {
	for range maxRounds {
		_, err = g.s.Report(ctx, part)
		refused, ok := errors.AsType[*client.Error](err)
		if !ok || refused.Status != http.StatusUnprocessableEntity && refused.Status != http.StatusBadRequest {
			break
		}
		bad := named(refused.Messages, len(part))
		if len(bad) == 0 {
			break
		}
		left, why = left+len(bad), firstOf(why, strings.Join(refused.Messages, "; "))
		rest := make([]client.Connection, 0, len(part)-len(bad))
		for i, c := range part {
			if !bad[i] {
				rest = append(rest, c)
			}
		}
		if part = rest; len(part) == 0 {
			return left, why, nil
		}
	}
	return left, why, err
}

// inList matches the indices of the array's items that a sentence of the
// server's is about.
var inList = regexp.MustCompile(`(?:^|; )\[(\d+)\]`)

// named returns the indices below n that the server's sentences name.
func named(sentences []string, n int) map[int]bool {
	items := map[int]bool{}
	for _, s := range sentences {
		for _, found := range inList.FindAllStringSubmatch(s, -1) {
			if i, err := strconv.Atoi(found[1]); err == nil && i < n {
				items[i] = true
			}
		}
	}
	return items
}

// tellReported prints how many connections the last report had.
func (g *agent) tellReported() {
	line := fmt.Sprintf("%s reported", countOf(g.reported))
	if g.within > 0 {
		line += fmt.Sprintf("; %s left out, being within this host (see --loopback)", countOf(g.within))
	}
	fmt.Fprintln(g.err, line)
}

// countOf returns a number of connections in words, with the verb.
func countOf(n int) string {
	if n == 1 {
		return "1 connection is"
	}
	return fmt.Sprintf("%d connections are", n)
}

// tellLeftOut prints, once, what the server does not take.
func (g *agent) tellLeftOut(n int, why string) {
	if why != "" && why != g.leftOut {
		g.say(fmt.Sprintf("%d connections are left out: %s", n, why))
	}
	g.leftOut = why
}

// explainAgent adds to the error of a server without the resource what that
// means.
func explainAgent(err error) error {
	if refused, ok := errors.AsType[*client.Error](err); ok && refused.Status == http.StatusNotFound {
		return fmt.Errorf("this server takes no reports of connections: %w", err)
	}
	return err
}
