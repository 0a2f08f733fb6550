package controller

import (
	"context"
	"errors"
	"sync"
	"time"

	"conga/openflow"
)

// A switch that has several controllers takes changes from all of them, unless
// one asks to be its master: then others that were master, and those that ask
// to be slaves, may only look on (OpenFlow 1.3.5 section 6.3.6). The switch
// knows its latest master by a generation ID, which only grows, and which every
// controller can read.
//
// So a master writes its name there and renews it. Another one sees the name,
// and that it is renewed, and stands back; when it is not renewed any more the
// other takes over.
const (
	renewEvery = 10 * time.Second // a master's generation ID

	// watchFor is how long another controller's generation ID has to stay as
	// it is until that controller counts as gone; longer than three renewals.
	watchFor = 35 * time.Second

	// watchMost bounds how long that becomes. It doubles each time that the
	// switch is lost to another controller, so that two which both ask do not
	// take it from each other all the time.
	watchMost = 30 * time.Minute

	mostTenures = 4096 // switches of whose masters something is known

	roleTime = 5 * time.Second // how long a switch may take to answer about roles

	instanceBits = 12
	noGeneration = ^uint64(0) // no controller has ever asked to be master
)

// errOutranked ends the session of a switch that has another master by now.
var errOutranked = errors.New("another controller has become its master")

// errInherited ends a connection on which another controller was waited for:
// what the switch has said meanwhile was not heard.
var errInherited = errors.New("the other controller has gone; the switch is to connect again")

// tenures is what is known, over connections, of the masters of switches.
type tenures struct {
	mu sync.Mutex // a leaf; guards what follows
	of map[openflow.DPID]*tenure
}

// tenure is what is known of the masters of a switch.
type tenure struct {
	watch    time.Duration // for which another's generation ID is watched; 0: watchFor
	lost     bool          // another controller took it from this one, and has not been found gone since
	reported bool          // the log says that another is master
}

// update calls f with the tenure of a switch, which f may change.
func (t *tenures) update(dpid openflow.DPID, f func(*tenure)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.of[dpid] == nil {
		makeRoom(t.of, mostTenures)
		t.of[dpid] = &tenure{}
	}
	if f(t.of[dpid]); *t.of[dpid] == (tenure{}) {
		delete(t.of, dpid)
	}
}

// generationAfter returns a generation ID of an instance that is above another
// one, as far as such numbers are (they may wrap around), and above all that
// the instance has used before, if the clock was not set back since.
func generationAfter(last uint64, instance uint16, now time.Time) uint64 {
	g := uint64(now.UnixMilli())<<instanceBits | uint64(instance)
	if last != noGeneration && int64(g-last) <= 0 {
		g = (last>>instanceBits+1)<<instanceBits | uint64(instance)
	}
	return g
}

// instanceOf returns the instance that has made a generation ID.
func instanceOf(generation uint64) uint16 { return uint16(generation & (1<<instanceBits - 1)) }

// askRole asks the switch for a role. The error is errRoleless if the switch
// knows none.
func (s *session) askRole(ctx context.Context, role openflow.Role, generation uint64) (*openflow.RoleReply, error) {
	within, cancel := context.WithTimeout(ctx, roleTime)
	defer cancel()
	m, err := s.conn.Request(within, &openflow.RoleRequest{Role: role, GenerationID: generation})
	if reply, ok := m.(*openflow.RoleReply); ok && err == nil {
		return reply, nil
	}
	switch _, refused := errors.AsType[*openflow.Error](err); {
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case refused:
		return nil, err
	case s.conn.Err() != nil:
		return nil, s.conn.Err()
	}
	return nil, errRoleless // it does not answer, or with something else
}

var errRoleless = errors.New("the switch does not answer about roles")

// isStale reports whether a switch has refused a generation ID as too old.
func isStale(err error) bool {
	e, ok := errors.AsType[*openflow.Error](err)
	return ok && e.Has(openflow.RoleRequestFailedStale)
}

// isSlave reports whether a switch has refused a message because another
// controller is its master.
func isSlave(err error) bool {
	e, ok := errors.AsType[*openflow.Error](err)
	return ok && e.Has(openflow.BadRequestIsSlave)
}

// obtain becomes the switch's master, if that is configured and the switch
// knows roles. As long as another controller has the switch it waits, and the
// error is then errInherited.
func (s *session) obtain(ctx context.Context) error {
	s.role = openflow.RoleEqual
	if s.cfg.Role != openflow.RoleMaster {
		return s.awaitOthers(ctx)
	}
	waited := false
	for {
		now, err := s.askRole(ctx, openflow.RoleNoChange, 0)
		if err == nil && !s.mine(now.GenerationID) {
			waited = true
			if err := s.standBack(ctx, now.GenerationID); err != nil {
				return err
			}
			continue
		}
		if err == nil {
			now, err = s.askRole(ctx, openflow.RoleMaster, generationAfter(now.GenerationID, s.cfg.Instance, time.Now()))
		}
		switch _, refused := errors.AsType[*openflow.Error](err); {
		case isStale(err): // another one was faster
			if err := s.rest(ctx, time.Second); err != nil {
				return err
			}
			continue
		case refused, errors.Is(err, errRoleless):
			s.log.Debug("switch has no roles", "err", err)
			return s.awaitOthers(ctx)
		case err != nil:
			return err
		}
		s.role, s.mastered = now.Role, time.Now()
		s.tenures.update(s.dpid, func(t *tenure) { t.lost, t.reported = false, false })
		if waited {
			s.log.Info("the other controller has gone; this one is master of the switch")
			return errInherited
		}
		return nil
	}
}

// mine reports whether the switch is this controller's to take, going by the
// generation ID that it tells: none has been master yet, or it was this
// controller and none has taken the switch from it.
func (s *session) mine(generation uint64) (is bool) {
	s.tenures.update(s.dpid, func(t *tenure) {
		is = !t.lost && (generation == noGeneration || generation == 0 || instanceOf(generation) == s.cfg.Instance)
	})
	return is
}

// standBack waits for as long as another controller is the switch's master. It
// returns nil when that controller seems to have gone.
func (s *session) standBack(ctx context.Context, generation uint64) error {
	watch := watchFor
	s.tenures.update(s.dpid, func(t *tenure) {
		watch = max(watch, t.watch)
		if !t.reported {
			s.log.Warn("another controller is master of the switch; nothing is changed there until it has gone",
				"remote", s.conn.RemoteAddr(), "generation", generation)
		}
		t.reported = true
	})
	s.conn.Start(func(openflow.Header, openflow.Message) {}) // else what the switch says would pile up
	s.post(ctx, withheld{s, "Another controller is its master, so CONGA changes nothing there."})
	// As a slave the switch keeps this side from changing anything, too.
	_, err := s.askRole(ctx, openflow.RoleSlave, generation)
	for since := time.Now(); err == nil || isRefusal(err); {
		if time.Since(since) >= watch {
			s.tenures.update(s.dpid, func(t *tenure) { t.lost = false })
			return s.claim(ctx, generation)
		}
		if err := s.rest(ctx, renewEvery); err != nil {
			return err
		}
		var now *openflow.RoleReply
		if now, err = s.askRole(ctx, openflow.RoleNoChange, 0); err == nil && now.GenerationID != generation {
			generation, since = now.GenerationID, time.Now()
		}
	}
	return err
}

// claim writes this controller's name over that of one that has gone.
func (s *session) claim(ctx context.Context, generation uint64) error {
	_, err := s.askRole(ctx, openflow.RoleMaster, generationAfter(generation, s.cfg.Instance, time.Now()))
	if isRefusal(err) {
		return nil // it is looked at again
	}
	return err
}

// rest waits, unless the connection ends.
func (s *session) rest(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-s.conn.Done():
		return s.conn.Err()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// renew keeps the switch's generation ID fresh for as long as this controller
// is its master, and returns errOutranked when it is not. It looks at once when
// the switch has refused something as to a slave.
func (s *session) renew(ctx context.Context) error {
	if s.role != openflow.RoleMaster {
		return nil
	}
	for {
		t := time.NewTimer(renewEvery)
		select {
		case <-t.C:
		case <-s.demoted:
			t.Stop()
		case <-s.conn.Done():
			t.Stop()
			return s.conn.Err()
		case <-ctx.Done():
			t.Stop()
			return context.Cause(ctx)
		}
		now, err := s.askRole(ctx, openflow.RoleNoChange, 0)
		if err == nil && now.Role == openflow.RoleMaster {
			now, err = s.askRole(ctx, openflow.RoleMaster, generationAfter(now.GenerationID, s.cfg.Instance, time.Now()))
		}
		switch {
		case isStale(err), err == nil && now.Role != openflow.RoleMaster:
			return s.outranked()
		case err != nil && !isRefusal(err) && !errors.Is(err, errRoleless):
			return err
		}
	}
}

// outranked takes note that another controller has taken the switch, and
// returns errOutranked. The next look at it takes twice as long as the last,
// unless this one had it for a while.
func (s *session) outranked() error {
	s.tenures.update(s.dpid, func(t *tenure) {
		if t.lost {
			return // it is known
		}
		t.lost = true
		if time.Since(s.mastered) > 2*max(t.watch, watchFor) {
			t.watch = 0
		}
		t.watch = min(2*max(t.watch, watchFor), watchMost)
	})
	return errOutranked
}

// withheld: another controller has a switch that has connected.
type withheld struct {
	s   *session
	why string // a sentence
}

func (e withheld) apply(k *core) {
	if !k.current(e.s) {
		return
	}
	k.peers[e.s.dpid].withheld = true
	k.forsake(e.s.dpid)
	k.builder.SwitchWithheld(e.s.dpid, e.s.conn.RemoteAddr().String(), e.why, k.now)
	k.announce()
}
