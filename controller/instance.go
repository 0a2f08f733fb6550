package controller

import (
	"context"
	"errors"
	"fmt"
	"time"

	"conga/controller/purpose"
	"conga/openflow"
)

// Entries carry the number of the CONGA that put them there, so that two do not
// take each other's where the switch does not say which of them is master:
// because it knows no roles, or because both are to be equal. Within this
// process cookies are without that number; what older versions put there has
// none.

// instance returns the number of this controller.
func (s *session) instance() purpose.Instance { return purpose.Instance(s.cfg.Instance) }

// mark puts the number into a message that changes entries. Those that have
// none may be taken out, too.
func (s *session) mark(fm *openflow.FlowMod) {
	switch fm.Command {
	case openflow.FlowDelete, openflow.FlowDeleteStrict:
		fm.CookieMask = s.instance().Own(fm.CookieMask)
	default:
		fm.Cookie = s.instance().Mark(fm.Cookie)
	}
}

// lookEvery is how often a switch is asked whether it still holds entries of
// another CONGA.
const lookEvery = 30 * time.Second

// awaitOthers waits for as long as the switch holds entries of another CONGA:
// its tables have no room for two. The error is errInherited if it has waited.
func (s *session) awaitOthers(ctx context.Context) error {
	if s.cfg.Instance == 0 {
		return nil
	}
	for waited := false; ; waited = true {
		other, err := s.other(ctx)
		switch {
		case err != nil:
			return err
		case other == 0 && waited:
			return errInherited
		case other == 0:
			s.tenures.update(s.dpid, func(t *tenure) { t.reported = false })
			return nil
		}
		s.tenures.update(s.dpid, func(t *tenure) {
			if !t.reported {
				s.log.Warn("the switch holds entries of another CONGA; nothing is changed there until they are gone",
					"remote", s.conn.RemoteAddr(), "number", other)
			}
			t.reported = true
		})
		s.conn.Start(func(openflow.Header, openflow.Message) {}) // else what the switch says would pile up
		s.post(ctx, withheld{s, fmt.Sprintf("It holds entries of another CONGA (number %d), so this one changes nothing there until they are gone%s.", other, s.remedy())})
		if err := s.rest(ctx, lookEvery); err != nil {
			return err
		}
	}
}

// remedy says what else ends the wait for another CONGA. A switch without roles
// does not say whether that one is still there.
func (s *session) remedy() string {
	if s.cfg.Role == openflow.RoleMaster {
		return "; if that one is no more, delete the switch's flow entries"
	}
	return ", or openflow.role is master"
}

// other returns the number of another CONGA of which the switch holds entries;
// 0 if there are none.
func (s *session) other(ctx context.Context) (other purpose.Instance, err error) {
	q := ours()
	err = s.stream(ctx, openflow.NewMultipartRequest(&q), func(body openflow.MultipartReplyBody) error {
		entries, _ := body.(openflow.FlowStatsReply)
		for i := range entries {
			if c := s.instance().Unmark(entries[i].Cookie); purpose.Ours(c) && purpose.InstanceOf(c) != 0 {
				other = purpose.InstanceOf(c)
			}
		}
		return nil
	})
	if _, refused := errors.AsType[*openflow.Error](err); refused {
		return 0, nil // it is asked again, for all
	}
	return other, err
}
