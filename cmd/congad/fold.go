package main

import (
	"cmp"
	"context"
	"log/slog"
	"maps"
	"net"
	"slices"
	"sync"
	"time"
)

// What is written in full within foldEvery; what is beyond is counted and
// summed up at its end. A program that connects as a switch can cause messages
// at will.
const (
	foldEvery  = time.Minute
	foldSame   = 20       // lines of one message about one switch or peer
	foldAlike  = 200      // warnings of one message about all of them
	foldKinds  = 1024     // sums that are kept
	foldSums   = 100      // sums that are written
	foldBytes  = 1 << 20  // of lines that do not warn, more or less
	foldCredit = 16 << 20 // beyond that, once: a large network says much when it starts
	foldLine   = 200      // bytes of a line beside its values, more or less
	foldValue  = 1024     // bytes of one value
)

const manyMessages = "messages of many kinds left out"

// A kind is what repeated messages have in common.
type kind struct {
	level   slog.Level
	message string
	of      string // the switch or the peer that they are about; "": none, or several
}

// A sum is how often a kind was logged since the window began.
type sum struct {
	written, left int
	handler       slog.Handler // of the first
	attr          slog.Attr    // names the switch or the peer, unless the handler does
}

// A folder counts messages. It is shared by the handlers of one log.
type folder struct {
	mu     sync.Mutex // not held while something is written; guards what follows
	sums   map[kind]*sum
	bytes  int // written in this window
	credit int
	timer  *time.Timer // ends the window; nil: none has begun
}

func newFolder() *folder { return &folder{sums: map[kind]*sum{}, credit: foldCredit} }

// A folded is a handler that writes the first messages of a kind and sums up
// the others.
type folded struct {
	slog.Handler
	folder *folder
	of     string // the switch or the peer that all its messages are about
	deep   bool   // within a group
}

// Handle implements [slog.Handler].
func (h folded) Handle(ctx context.Context, r slog.Record) error {
	of, attr, size := h.of, slog.Attr{}, foldLine
	r.Attrs(func(a slog.Attr) bool {
		if about := subject(a); about != "" && of == "" {
			of, attr = about, slog.String(a.Key, about)
		}
		size += valueSize(a.Value)
		return true
	})
	if !h.folder.admit(kind{r.Level, r.Message, of}, size, h.Handler, attr) {
		return nil
	}
	return h.Handler.Handle(ctx, r)
}

// WithAttrs implements [slog.Handler].
func (h folded) WithAttrs(attrs []slog.Attr) slog.Handler {
	h.Handler = h.Handler.WithAttrs(attrs)
	for _, a := range attrs {
		if about := subject(a); about != "" && !h.deep {
			h.of = about
		}
	}
	return h
}

// WithGroup implements [slog.Handler].
func (h folded) WithGroup(name string) slog.Handler {
	h.Handler, h.deep = h.Handler.WithGroup(name), true
	return h
}

// subject returns the switch or the peer that an attribute names, or "".
func subject(a slog.Attr) string {
	switch a.Key {
	case "dpid":
		return a.Value.String()
	case "remote":
		host, _, err := net.SplitHostPort(a.Value.String())
		if err != nil {
			return a.Value.String()
		}
		return host
	}
	return ""
}

// valueSize returns how many bytes a value is in the log, more or less.
func valueSize(v slog.Value) int {
	switch v.Kind() {
	case slog.KindString:
		return min(len(v.String()), foldValue)
	case slog.KindAny:
		return foldLine
	}
	return 24
}

// admit counts a message and reports whether it is to be written.
func (f *folder) admit(k kind, size int, h slog.Handler, attr slog.Attr) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.timer == nil {
		f.timer = time.AfterFunc(foldEvery, f.sumUp)
	}
	one := f.sumLocked(k, h, attr)
	all := one
	if k.of != "" {
		all = f.sumLocked(kind{k.level, k.message, ""}, h, slog.Attr{})
	}
	warns := k.level >= slog.LevelWarn // which are bounded by their number
	short := f.bytes+size > foldBytes && !warns
	switch {
	case k.of != "" && one.written >= foldSame,
		warns && all.written >= foldAlike,
		short && size > f.credit:
		one.left++
		return false
	}
	switch {
	case warns:
	case short:
		f.credit -= size
	default:
		f.bytes += size
	}
	one.written++
	if all != one {
		all.written++
	}
	return true
}

// sumLocked returns the sum of a kind; where there are too many, that of its
// message, and in the end that of all.
func (f *folder) sumLocked(k kind, h slog.Handler, attr slog.Attr) *sum {
	s := f.sums[k]
	if s == nil && k.of != "" && len(f.sums) >= foldKinds {
		k.of = ""
		s = f.sums[k]
	}
	if s == nil && len(f.sums) >= 2*foldKinds {
		k = kind{slog.LevelWarn, manyMessages, ""}
		s = f.sums[k]
	}
	if s == nil {
		s = &sum{handler: h, attr: attr}
		f.sums[k] = s
	}
	return s
}

// sumUp ends the window: it writes a line for each kind of which something was
// left out, those with most first.
func (f *folder) sumUp() {
	f.mu.Lock()
	sums := f.sums
	f.sums, f.bytes = map[kind]*sum{}, 0
	if f.timer != nil {
		f.timer.Stop()
		f.timer = nil
	}
	f.mu.Unlock()
	kinds := slices.SortedFunc(maps.Keys(sums), func(a, b kind) int {
		return cmp.Or(cmp.Compare(sums[b].left, sums[a].left), cmp.Compare(a.message, b.message), cmp.Compare(a.of, b.of))
	})
	rest := 0
	for i, k := range kinds {
		s := sums[k]
		switch {
		case s.left == 0:
		case i < foldSums:
			s.write(k)
		default:
			rest += s.left
		}
	}
	if rest > 0 {
		s := sum{left: rest, handler: sums[kinds[0]].handler}
		s.write(kind{slog.LevelWarn, manyMessages, ""})
	}
}

// write writes how many messages of a kind were left out.
func (s *sum) write(k kind) {
	ctx := context.Background()
	r := slog.NewRecord(time.Now(), k.level, k.message, 0)
	if s.attr.Key != "" {
		r.AddAttrs(s.attr)
	}
	r.AddAttrs(slog.Int("repeated", s.left), slog.Duration("within", foldEvery))
	_ = s.handler.Handle(ctx, r) // as the log itself
}

// cut shortens what a peer may have made long.
func cut(_ []string, a slog.Attr) slog.Attr {
	v := a.Value
	if v.Kind() == slog.KindAny {
		err, ok := v.Any().(error)
		if !ok {
			return a
		}
		v = slog.StringValue(err.Error())
		a.Value = v
	}
	if v.Kind() == slog.KindString && len(v.String()) > foldValue {
		a.Value = slog.StringValue(v.String()[:foldValue] + "…")
	}
	return a
}
