package connections

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"conga/allocator/store"
)

// A step is what one report is going to do.
type step struct {
	e     *live
	next  *Connection
	fresh bool // e is not among the live ones yet
	write bool
}

// A Result says what a report has come to.
type Result struct {
	IDs   []uuid.UUID // one for each connection reported, in their order
	Fresh int         // how many of them were not known
}

// Report takes over what a reporter of the project says, all of it or nothing.
// When it returns nil the reports survive a crash; only LastSeen of a repeat
// that says nothing new may then be remembered as a quarter of Keep older.
//
// Errors are of type *[Error]: Full, or Internal if the store failed.
func (r *Registry) Report(ctx context.Context, project string, reports []Report) (Result, error) {
	const op = "report"
	ids := make([]uuid.UUID, len(reports))
	for i := range reports {
		ids[i] = reports[i].identity(project)
	}
	if err := r.take(ctx); err != nil {
		return Result{}, &Error{op, Internal, err}
	}
	defer r.pass()
	now := r.cfg.Now()
	steps, fresh, err := r.plan(now, project, ids, reports)
	if err != nil {
		return Result{}, &Error{op, Full, err}
	}
	ops, err := r.records(steps)
	if err == nil && len(ops) > 0 {
		// A client that hangs up must not leave it open what became of the
		// report.
		err = r.cfg.Store.Commit(context.WithoutCancel(ctx), ops...)
	}
	r.settle(now, steps, err == nil)
	if err != nil {
		return Result{}, &Error{op, Internal, err}
	}
	return Result{ids, fresh}, nil
}

// plan returns what the reports change, and keeps what is live already.
func (r *Registry) plan(now time.Time, project string, ids []uuid.UUID, reports []Report) ([]step, int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.expireLocked(now)
	steps := make([]step, 0, len(ids))
	index := make(map[uuid.UUID]int, len(ids))
	fresh := 0
	for i, id := range ids {
		s := step{e: r.byID[id], next: &Connection{id, project, reports[i], now.Unix(), now.Unix()}}
		if first, twice := index[id]; twice {
			steps[first].follow(s.next, r.slack()) // what is said last stands
			continue
		}
		index[id] = len(steps)
		if s.e == nil {
			s.e, s.fresh = &live{}, true
			fresh++
		}
		s.follow(s.next, r.slack())
		steps = append(steps, s)
	}
	if err := r.roomLocked(project, fresh); err != nil {
		return nil, 0, err
	}
	for i := range steps {
		if steps[i].fresh {
			r.seq++
			steps[i].e.seq = r.seq
		}
		steps[i].e.held = true
	}
	return steps, fresh, nil
}

// follow makes next what the connection becomes.
func (s *step) follow(next *Connection, slack time.Duration) {
	s.next = next
	if s.fresh {
		s.write = true
		return
	}
	was := s.e.seen
	next.FirstSeen = was.FirstSeen
	next.LastSeen = max(next.LastSeen, was.FirstSeen) // the clock may have been set back
	s.write = was.differs(&next.Report) || next.LastSeen-s.e.stored >= int64(slack/time.Second)
}

// roomLocked reports that there is no room for more connections.
func (r *Registry) roomLocked(project string, more int) error {
	if have := r.projects[project].len(); more > 0 && have+more > r.cfg.PerProject {
		return fmt.Errorf("the project has %d live connections and may have %d; %d more are too many", have, r.cfg.PerProject, more)
	}
	if more > 0 && len(r.byID)+more > r.cfg.Total {
		return fmt.Errorf("no more than %d connections can be kept in all; %d more are too many", r.cfg.Total, more)
	}
	return nil
}

// records returns what the store has to save. No other caller changes the
// connections meanwhile: this one may write.
func (r *Registry) records(steps []step) ([]store.Op, error) {
	var ops []store.Op
	for _, s := range steps {
		if !s.write {
			continue
		}
		op, err := encode(s.e.seq, s.next)
		if err != nil {
			return nil, err
		}
		ops = append(ops, op)
	}
	return ops, nil
}

// settle makes the reports seen, or forgets them.
func (r *Registry) settle(now time.Time, steps []step, committed bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range steps {
		s.e.held = false
		if !committed {
			continue
		}
		s.e.seen, s.e.at = s.next, now
		if s.write {
			s.e.stored = s.next.LastSeen
		}
		if s.fresh {
			r.insertLocked(s.e)
		} else {
			r.queue.MoveToBack(s.e.queued)
		}
	}
}
