#!/usr/bin/env bash
# tstorage 0.3.6 (Go): are points that come late, or again after a restart, kept and found?
#
# Guess: points of a little earlier than the last are found at once, as its README says that it
# does not discard them; much older ones are refused with an error.
# Behaviour: a point that is one second older than the newest of its metric is taken without
# an error and found by no query, until its partition is written to the disk and read from
# there: when newer ones have come, or at the end of the program. Kept in memory alone, it is
# not found hours later. One that is ten hours late is taken without an error, and gone for
# ever.
# So: whoever feeds it sorts the points first, and leaves out what is older than the newest.
set -eu
tmp=$(mktemp -d)
trap 'chmod -R u+w "$tmp"; rm -rf "$tmp"' EXIT
export GOMODCACHE=$tmp/mod GOFLAGS=-mod=mod
cd "$tmp"
cat >go.mod <<'MOD'
module finding
go 1.24
require github.com/nakabonne/tstorage v0.3.6
MOD
cat >main.go <<'GO'
package main

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/nakabonne/tstorage"
)

const hour = 3600

func expect(what, before, now string) {
	fmt.Printf("%s: %s\n", what, now)
	if before != now {
		fmt.Println("This has changed: it was " + before + ".")
		os.Exit(1)
	}
}

func must(err error) {
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}

func open(options ...tstorage.Option) tstorage.Storage {
	s, err := tstorage.NewStorage(append(options, tstorage.WithTimestampPrecision(tstorage.Seconds), tstorage.WithPartitionDuration(time.Hour))...)
	must(err)
	return s
}

// put inserts a point at each moment.
func put(s tstorage.Storage, moments ...int64) {
	for _, m := range moments {
		must(s.InsertRows([]tstorage.Row{{Metric: "rate", DataPoint: tstorage.DataPoint{Timestamp: m, Value: 1}}}))
	}
}

// found returns the moments of all points.
func found(s tstorage.Storage) string {
	points, err := s.Select("rate", nil, 0, 1<<40)
	if err != nil && !errors.Is(err, tstorage.ErrNoDataPoints) {
		return err.Error()
	}
	moments := []int64{}
	for _, p := range points {
		moments = append(moments, p.Timestamp)
	}
	return fmt.Sprint(moments)
}

func main() {
	const now = 500_000 * hour
	folder := tstorage.WithDataPath("data")
	s := open(folder)
	put(s, now, now+10, now+9)
	expect("of three points, the last one late by a second, there are", fmt.Sprint([]int64{now, now + 10}), found(s))
	put(s, now-10*hour)
	must(s.Close())
	s = open(folder)
	expect("after the program's end, and one late by ten hours", fmt.Sprint([]int64{now, now + 9, now + 10}), found(s))
	must(s.Close())

	s = open()
	put(s, now, now+10, now+9, now+2*hour, now+4*hour, now+6*hour)
	expect("in memory, five hours later", fmt.Sprint([]int64{now, now + 10, now + 2*hour, now + 4*hour, now + 6*hour}), found(s))
	must(s.Close())
}
GO
go mod tidy 2>/dev/null
echo "version of tstorage: $(go list -m -f '{{.Version}}' github.com/nakabonne/tstorage)"
go run .
