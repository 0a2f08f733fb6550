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

	"conga/httpapi/client"
)

const (
	// reportChunk bounds one report, which must fit into a request of 4 MiB.
	reportChunk = 1000
	// maxRounds bounds how often a part is reported without what the server has
	// named as wrong, of which it names some twenty at a time.
	maxRounds = 10
)

// report reports what there is now, in parts that a request can hold.
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
	for part := range slices.Chunk(list, reportChunk) {
		n, reason, err := g.send(ctx, part)
		if err != nil {
			return explainAgent(err)
		}
		left, why = left+n, firstOf(why, reason)
		g.reported += len(part) - n
	}
	g.tellLeftOut(left, why)
	return nil
}

// send reports a part of the list. The server takes all of it or nothing: what
// it names as wrong is left out, so that it does not keep the rest from being
// reported.
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

// inList finds which items of an array a sentence of the server's is about.
var inList = regexp.MustCompile(`(?:^|; )\[(\d+)\]`)

// named are the items, of n, that the server's sentences name.
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

// tellReported says how many connections the last report was of.
func (g *agent) tellReported() {
	line := fmt.Sprintf("%s reported", countOf(g.reported))
	if g.within > 0 {
		line += fmt.Sprintf("; %s left out, being within this host (see --loopback)", countOf(g.within))
	}
	fmt.Fprintln(g.err, line)
}

// countOf is a number of connections, and the verb.
func countOf(n int) string {
	if n == 1 {
		return "1 connection is"
	}
	return fmt.Sprintf("%d connections are", n)
}

// tellLeftOut says what the server does not take, once.
func (g *agent) tellLeftOut(n int, why string) {
	if why != "" && why != g.leftOut {
		g.say(fmt.Sprintf("%d connections are left out: %s", n, why))
	}
	g.leftOut = why
}

// explainAgent says what a server without the resource means.
func explainAgent(err error) error {
	if refused, ok := errors.AsType[*client.Error](err); ok && refused.Status == http.StatusNotFound {
		return fmt.Errorf("this server takes no reports of connections: %w", err)
	}
	return err
}
