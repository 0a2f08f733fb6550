package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"conga/cmd/internal/terminal"
	"conga/httpapi/client"
)

// What a terminal is told, by the sequences of ECMA-48 and xterm.
const (
	enterScreen = "\x1b[?1049h\x1b[?25l" // another screen, without a cursor
	leaveScreen = "\x1b[?25h\x1b[?1049l"
	goHome      = "\x1b[H"
	clearLine   = "\x1b[K"
	clearBelow  = "\x1b[J"
)

// topHelp is the last line of the screen.
const topHelp = "sort by: r rate  u use  b promised  e end  i ID     q quit"

// sortKeys are the keys that choose what to sort by.
var sortKeys = map[byte]string{'r': byRate, 'u': byUse, 'b': byPromised, 'e': byEnd, 'i': byID}

// quitKeys are q, Ctrl-C and Ctrl-D.
const quitKeys = "qQ\x03\x04"

// leastPause is the least time between two looks, however many events come.
const leastPause = 200 * time.Millisecond

// A looked is what came of a look.
type looked struct {
	load
	err error
}

// live shows what carries most on a terminal until a key or ctx ends that.
func (t *topper) live(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	changed, listening := make(chan struct{}, 1), make(chan struct{})
	go func() { defer close(listening); t.s.listen(ctx, t.interval, changed) }()
	defer func() { stop(); <-listening }()
	results, look := make(chan looked), make(chan string, 1)
	go func() {
		for sort := range look {
			now, err := (&topper{app: t.app, s: t.s, sort: sort}).look(ctx)
			select {
			case results <- looked{now, err}:
			case <-ctx.Done():
			}
		}
	}()
	defer close(look)
	look <- t.sort
	var first looked // before the screen: a refusal is an ordinary error
	select {
	case first = <-results:
	case <-ctx.Done():
		return nil
	}
	if first.err != nil {
		return first.err
	}
	keys, restore, err := terminal.Keys(t.in)
	if err != nil {
		return fmt.Errorf("the terminal: %w", err)
	}
	defer restore()
	fmt.Fprint(t.out, enterScreen)
	defer fmt.Fprint(t.out, leaveScreen)
	return t.follow(ctx, first.load, keys, changed, look, results)
}

// follow draws what looks bring, and what keys change, until the end.
func (t *topper) follow(ctx context.Context, now load, keys <-chan byte, changed <-chan struct{}, look chan<- string, results <-chan looked) error {
	trouble, asking := "", false
	tick := time.NewTicker(t.interval)
	defer tick.Stop()
	asked := time.Now()
	var soon <-chan time.Time // when what has changed since is looked at
	for {
		if err := t.draw(now, trouble); err != nil {
			return err
		}
		ask := func() {
			if !asking {
				look <- t.sort
				asking, asked, soon = true, time.Now(), nil
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case key := <-keys:
			if strings.IndexByte(quitKeys, key) >= 0 {
				return nil
			}
			if sort, ok := sortKeys[key]; ok {
				t.sort = sort
				now.sort(sort)
			}
		case r := <-results:
			asking = false
			switch {
			case r.err == nil:
				now, trouble = r.load, ""
				now.sort(t.sort) // a key may have changed it meanwhile
			case !client.Transient(r.err):
				return r.err
			default:
				trouble = r.err.Error() + "; trying again"
			}
		case <-changed:
			if soon == nil {
				soon = time.After(time.Until(asked.Add(leastPause)))
			}
		case <-soon:
			soon = time.After(leastPause) // if a look is under way, after it
			ask()
		case <-tick.C:
			ask()
		}
	}
}

// draw draws the screen anew.
func (t *topper) draw(now load, trouble string) error {
	width, height := terminal.Size(t.out)
	var b strings.Builder
	b.WriteString(goHome)
	for i, line := range topLines(now, t.sort, trouble, time.Now(), height) {
		if i > 0 {
			b.WriteString("\r\n")
		}
		b.WriteString(cut(line, width) + clearLine)
	}
	b.WriteString(clearBelow)
	_, err := io.WriteString(t.out, b.String())
	return err
}

// topLines returns the lines of a screen with so many rows: allocations and
// links, of which neither takes what the other needs of its half.
func topLines(now load, sort, trouble string, at time.Time, height int) []string {
	lines := []string{topTitle(now, sort, at), terminal.Clean(trouble)}
	room := max(2, height-len(lines)-1) // the help
	allocations := tableLines(now.allocationRows())
	var links []string
	if now.Links != nil {
		links = append([]string{""}, tableLines(now.linkRows())...)
	}
	half := room / 2
	forLinks := min(len(links), max(half, room-len(allocations)))
	lines = append(lines, allocations[:min(len(allocations), room-forLinks)]...)
	lines = append(lines, links[:forLinks]...)
	for len(lines) < height-1 {
		lines = append(lines, "")
	}
	return append(lines, topHelp)
}

// topTitle returns the first line of the screen.
func topTitle(now load, sort string, at time.Time) string {
	sum := uint64(0)
	for i := range now.Allocations {
		if r := rateOf(&now.Allocations[i]); r != nil {
			sum += *r
		}
	}
	of := "allocations"
	if len(now.Allocations) == 1 {
		of = "allocation"
	}
	return fmt.Sprintf("%s  %d active %s, %s delivered, sorted by %s", at.Format(time.DateTime), len(now.Allocations), of, bits(threeDigits(float64(sum))), sort)
}

// tableLines returns the lines of a table.
func tableLines(rows [][]string) []string {
	var b bytes.Buffer
	_ = printTable(&b, rows) // a buffer takes everything
	return strings.Split(strings.TrimSuffix(b.String(), "\n"), "\n")
}

// cut returns no more of a line than a number of columns.
func cut(line string, width int) string {
	if runes := []rune(line); len(runes) > width {
		return string(runes[:width])
	}
	return line
}
