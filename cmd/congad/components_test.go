package main

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// Components stop in reverse order, each when the one before has ended.
func TestPartsStopInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var events []string
		note := func(e string) { mu.Lock(); events = append(events, e); mu.Unlock() }
		slow := func(name string, last error) component {
			return component{name, func(ctx context.Context) error {
				<-ctx.Done()
				note("stop " + name)
				time.Sleep(time.Second)
				note("done " + name)
				return last
			}}
		}
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Minute, cancel)
		err := runComponents(ctx, slog.New(slog.DiscardHandler), []component{slow("a", nil), slow("b", context.Canceled), slow("c", errors.New("too late"))})
		if want := []string{"stop c", "done c", "stop b", "done b", "stop a", "done a"}; !slices.Equal(events, want) {
			t.Errorf("got %q", events)
		}
		if err == nil || err.Error() != "c: too late" {
			t.Errorf("got %v", err)
		}
	})
}

// A component that ends by itself stops the others, and its error is returned.
func TestPartFails(t *testing.T) {
	for _, test := range []struct {
		err  error
		want string
	}{{errors.New("the disk is full"), "b failed: the disk is full"}, {nil, "b failed: it stopped by itself"}} {
		synctest.Test(t, func(t *testing.T) {
			stopped := false
			err := runComponents(t.Context(), slog.New(slog.DiscardHandler), []component{
				{"a", func(ctx context.Context) error { <-ctx.Done(); stopped = true; return ctx.Err() }},
				{"b", func(context.Context) error { time.Sleep(time.Second); return test.err }},
			})
			if err == nil || !strings.HasPrefix(err.Error(), test.want) || !stopped {
				t.Errorf("got %v, stopped %t", err, stopped)
			}
		})
	}
}
