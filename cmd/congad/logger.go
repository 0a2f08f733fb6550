package main

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"sync"
	"time"
)

const (
	logWait = 100 * time.Millisecond // how long a line may wait for others
	logRoom = 32 << 10               // bytes that may wait
)

// newLogger returns the daemon's log. Lines from level warn on are written at
// once, after all that wait; others wait for logWait, since a write costs about
// as much as a small request does. What is repeated is summed up; see [folder].
// Call flush at the end.
func newLogger(out io.Writer, format string, level slog.Leveler) (log *slog.Logger, flush func()) {
	b := &batch{out: out}
	options := &slog.HandlerOptions{Level: level, ReplaceAttr: cut}
	var h slog.Handler = slog.NewTextHandler(b, options)
	if format == "json" {
		h = slog.NewJSONHandler(b, options)
	}
	f := newFolder()
	return slog.New(folded{Handler: batched{h, b}, folder: f}), func() { f.sumUp(); b.flush() }
}

// A batched is a handler whose output is a batch.
type batched struct {
	slog.Handler
	batch *batch
}

// Handle implements [slog.Handler].
func (h batched) Handle(ctx context.Context, r slog.Record) error {
	err := h.Handler.Handle(ctx, r)
	if r.Level >= slog.LevelWarn {
		h.batch.flush()
	}
	return err
}

// WithAttrs implements [slog.Handler].
func (h batched) WithAttrs(attrs []slog.Attr) slog.Handler {
	return batched{h.Handler.WithAttrs(attrs), h.batch}
}

// WithGroup implements [slog.Handler].
func (h batched) WithGroup(name string) slog.Handler {
	return batched{h.Handler.WithGroup(name), h.batch}
}

// A batch collects lines and writes them together.
type batch struct {
	out io.Writer

	mu      sync.Mutex
	waiting bytes.Buffer
	due     bool // a flush is scheduled
}

// Write takes a line. It never fails, since an error could not be reported.
func (b *batch) Write(line []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.waiting.Write(line)
	switch {
	case b.waiting.Len() >= logRoom:
		b.flushLocked()
	case !b.due:
		b.due = true
		time.AfterFunc(logWait, b.flush)
	}
	return len(line), nil
}

func (b *batch) flush() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.due = false
	b.flushLocked()
}

func (b *batch) flushLocked() {
	if b.waiting.Len() > 0 {
		_, _ = b.out.Write(b.waiting.Bytes())
		b.waiting.Reset()
	}
}
