//go:build linux

package main

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"time"
)

// A logReader reads a daemon's log while it is written, which, unlike requests,
// costs the daemon nothing.
type logReader struct {
	file   string
	offset int64 // of the first byte that was not read
}

// A logLine is what is read of a line of the log.
type logLine struct {
	Msg, URL, Addr string
	From, To       json.RawMessage
	Time           time.Time
}

// log returns a reader of the log that begins at its start.
func (d *daemon) log() *logReader { return &logReader{file: d.logFile()} }

// each calls f with the lines that were written since it was called last. The
// lines of requests are left out.
func (r *logReader) each(f func(logLine)) error {
	file, err := os.Open(r.file)
	if err != nil {
		return err
	}
	defer file.Close()
	text, err := io.ReadAll(io.NewSectionReader(file, r.offset, 1<<40))
	if err != nil {
		return err
	}
	for {
		line, rest, whole := bytes.Cut(text, []byte("\n"))
		if !whole {
			return nil
		}
		r.offset += int64(len(line) + 1)
		text = rest
		var l logLine
		if !bytes.Contains(line, []byte(`"msg":"request"`)) && json.Unmarshal(line, &l) == nil {
			f(l)
		}
	}
}

// A linkCount counts the links that the log tells of.
type linkCount struct {
	log   *logReader
	times int       // a link was found, or lost
	last  time.Time // when one was found last
	links map[[2]string]bool
}

func (d *daemon) countLinks() *linkCount {
	return &linkCount{log: d.log(), links: map[[2]string]bool{}}
}

// update reads on.
func (c *linkCount) update() error {
	return c.log.each(func(l logLine) {
		switch l.Msg {
		case "link found":
			c.times, c.last = c.times+1, l.Time
			c.links[[2]string{string(l.From), string(l.To)}] = true
		case "link lost":
			c.times++
		}
	})
}
