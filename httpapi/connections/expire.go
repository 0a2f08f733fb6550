package connections

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"github.com/google/uuid"

	"conga/allocator/store"
)

// sweepBatch bounds one transaction of a sweep.
const sweepBatch = 1000

// load reads the store. What cannot be read is dropped with a warning: hosts
// report it again.
func (r *Registry) load(ctx context.Context) error {
	now := r.cfg.Now()
	slack := int64(r.slack() / time.Second)
	var loaded []*live
	var out store.LeftOut
	err := r.cfg.Store.Scan(ctx, store.Connections, func(key string, value []byte) error {
		seq, c, err := decode(key, value)
		r.seq = max(r.seq, seq)
		if err != nil {
			out.Add(store.Connections, key, err)
			r.dead = append(r.dead, key)
			return nil
		}
		// It may have been seen again since this was written, see slack. A
		// report that was acknowledged must not expire too soon; it may a bit
		// too late.
		stored := c.LastSeen
		c.LastSeen = max(c.FirstSeen, min(stored+slack, now.Unix()))
		at := time.Unix(min(c.LastSeen, now.Unix()), 0)
		if now.Sub(at) >= r.cfg.Keep {
			r.dead = append(r.dead, key)
			return nil
		}
		loaded = append(loaded, &live{seq: seq, seen: c, stored: stored, at: now.Add(-now.Sub(at))})
		return nil
	})
	if err != nil {
		return &Error{"open", Internal, err}
	}
	out.Warn(r.cfg.Log)
	r.adopt(loaded)
	return nil
}

// adopt takes over what was loaded, in order of arrival. Of a connection that
// had expired and come again before a sweep there are two records.
func (r *Registry) adopt(loaded []*live) {
	last := make(map[uuid.UUID]*live, len(loaded))
	for _, e := range loaded {
		last[e.seen.ID] = e
	}
	for _, e := range loaded {
		if last[e.seen.ID] == e {
			r.insertLocked(e) // no other caller has r yet
		} else {
			r.dead = append(r.dead, recordKey(e.seq))
		}
	}
	r.sortQueue()
}

// sortQueue brings what was loaded into the order in which it expires.
func (r *Registry) sortQueue() {
	byAge := slices.Clone(r.all.list)
	slices.SortStableFunc(byAge, func(a, b *live) int { return a.at.Compare(b.at) })
	for _, e := range byAge {
		r.queue.MoveToBack(e.queued)
	}
}

// expireLocked takes out of memory what has expired; the store follows with the
// next sweep. It costs nothing while nothing has expired.
func (r *Registry) expireLocked(now time.Time) {
	projects, pairs := map[string]bool(nil), map[pair]bool(nil)
	for el := r.queue.Front(); el != nil; {
		e := el.Value.(*live)
		if now.Sub(e.at) < r.cfg.Keep {
			break
		}
		el = el.Next()
		if e.held {
			continue
		}
		if projects == nil {
			projects, pairs = map[string]bool{}, map[pair]bool{}
		}
		e.gone = true
		r.queue.Remove(e.queued)
		delete(r.byID, e.seen.ID)
		r.dead = append(r.dead, recordKey(e.seq))
		projects[e.seen.Project] = true
		pairs[pairOf(e.seen.Project, e.seen.FlowKey())] = true
	}
	if projects == nil {
		return
	}
	r.all.prune()
	pruneAll(r.projects, projects)
	pruneAll(r.pairs, pairs)
}

func (l *arrivals) prune() {
	l.list = slices.DeleteFunc(l.list, func(e *live) bool { return e.gone })
	if cap(l.list) > 64 && cap(l.list) > 4*len(l.list) {
		l.list = slices.Clone(l.list) // give back what a peak has taken
	}
}

// pruneAll prunes some of the lists and drops those that become empty.
func pruneAll[K comparable](lists map[K]*arrivals, some map[K]bool) {
	for k := range some {
		if lists[k].prune(); lists[k].len() == 0 {
			delete(lists, k)
		}
	}
}

// Run removes expired reports from the store from time to time until ctx ends.
func (r *Registry) Run(ctx context.Context) {
	tick := time.NewTicker(min(max(r.cfg.Keep/10, time.Second), 30*time.Second))
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			n, err := r.Sweep(ctx)
			switch {
			case err != nil && ctx.Err() == nil:
				r.cfg.Log.Error("expired connection reports could not be removed", slog.Any("err", err))
			case n > 0:
				r.cfg.Log.Debug("expired connection reports removed", slog.Int("connections", n))
			}
		}
	}
}

// Sweep removes from the store what has expired and says how many records that
// were. The next sweep takes what a failed one has left.
func (r *Registry) Sweep(ctx context.Context) (int, error) {
	if err := r.take(ctx); err != nil {
		return 0, &Error{"sweep", Internal, err}
	}
	defer r.pass()
	r.mu.Lock()
	r.expireLocked(r.cfg.Now())
	dead := r.dead
	r.dead = nil
	r.mu.Unlock()
	done := 0
	for batch := range slices.Chunk(dead, sweepBatch) {
		ops := make([]store.Op, len(batch))
		for i, key := range batch {
			ops[i] = store.Op{Bucket: store.Connections, Key: key}
		}
		if err := r.cfg.Store.Commit(context.WithoutCancel(ctx), ops...); err != nil {
			r.mu.Lock()
			r.dead = append(r.dead, dead[done:]...)
			r.mu.Unlock()
			return done, &Error{"sweep", Internal, err}
		}
		done += len(batch)
	}
	return done, nil
}
