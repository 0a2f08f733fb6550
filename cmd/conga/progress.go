package main

import (
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"

	"conga/cmd/internal/terminal"
	"conga/httpapi/client"
)

const (
	barWidth = 30
	barEvery = time.Second // a bar that shows time is drawn anew
)

// newBar returns a bar that goes to total, on a terminal; what it shows is
// overwritten, and gone in the end.
func newBar(out io.Writer, total int64, what string) *progressbar.ProgressBar {
	return progressbar.NewOptions64(total,
		progressbar.OptionSetWriter(out), progressbar.OptionSetWidth(barWidth), progressbar.OptionSetDescription(what),
		progressbar.OptionSetPredictTime(false), progressbar.OptionSetElapsedTime(false), progressbar.OptionClearOnFinish(),
	)
}

// A progress shows how an allocation gets on: a line for each change, and on a
// terminal below it a bar that goes to the start that is planned.
type progress struct {
	out      io.Writer
	terminal bool
	ended    chan struct{}
	drawing  sync.WaitGroup

	mu    sync.Mutex
	asked time.Time // when there was first something to show
	till  time.Time // where the bar ends; zero while there is none
	bar   *progressbar.ProgressBar
}

func newProgress(out io.Writer) *progress {
	p := &progress{out: out, terminal: terminal.Is(out), ended: make(chan struct{}), asked: time.Now()}
	if p.terminal {
		p.drawing.Go(p.draw)
	}
	return p
}

// draw draws the bar anew, again and again, until the end.
func (p *progress) draw() {
	tick := time.NewTicker(barEvery)
	defer tick.Stop()
	for {
		select {
		case <-p.ended:
			return
		case now := <-tick.C:
			p.mu.Lock()
			p.drawLocked(now)
			p.mu.Unlock()
		}
	}
}

// show shows a change of the allocation.
func (p *progress) show(al client.Allocation) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.clearLocked()
	fmt.Fprintln(p.out, terminal.Clean(progressLine(al)))
	if p.terminal && al.State == client.Pending && al.StartTime != nil {
		p.till = time.Unix(*al.StartTime, 0)
		p.drawLocked(time.Now())
	}
}

// progressLine says in which state an allocation is, and why.
func progressLine(al client.Allocation) string {
	line := fmt.Sprintf("allocation %s is %s", al.ID, al.State)
	if al.Reason != nil && *al.Reason != "" {
		line += ": " + *al.Reason
	} else if al.State == client.Pending && al.StartTime != nil {
		line += ", planned for " + when(al.StartTime)
	}
	return line
}

// drawLocked draws the bar as it is at a moment, if there is one: time that has
// passed since the question, of that until the start.
func (p *progress) drawLocked(now time.Time) {
	whole, passed := p.till.Sub(p.asked), now.Sub(p.asked)
	if p.till.IsZero() || passed >= whole || whole < barEvery {
		return // it is about to begin
	}
	if p.bar == nil {
		p.bar = newBar(p.out, int64(whole/time.Millisecond), "")
	}
	p.bar.Describe("starts in " + short((whole - passed).Round(time.Second)))
	_ = p.bar.Set64(int64(passed / time.Millisecond)) // the terminal may be gone
}

// clearLocked removes the bar.
func (p *progress) clearLocked() {
	if p.bar != nil {
		_ = p.bar.Clear()
		p.bar = nil
	}
	p.till = time.Time{}
}

// end removes the bar, and draws no more.
func (p *progress) end() {
	close(p.ended)
	p.drawing.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.clearLocked()
}
