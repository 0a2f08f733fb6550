package ofswitch

import "conga/openflow"

// FlowsTo returns how many flow entries output to the port. It looks at what
// the entries have in common, not at each, so that it may be asked often.
func (s *Switch) FlowsTo(port openflow.PortNo) (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expireDueLocked(s.now())
	for _, p := range s.programs {
		if sendsTo(p.apply, port) || sendsTo(p.listed, port) {
			n += p.users
		}
	}
	return n
}

// sendsTo reports whether one of some actions outputs to port.
func sendsTo(actions []openflow.Action, port openflow.PortNo) bool {
	for i := range actions {
		if a := &actions[i]; a.Type == openflow.ActionOutput && a.Port == port {
			return true
		}
	}
	return false
}

// OnMessage has fn called with every message from a controller before it is
// obeyed, in order; nil ends it. fn is called with the switch locked: it must
// not call the switch, and must not keep or change the message.
func (s *Switch) OnMessage(fn func(openflow.Message)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.onMessage = fn
}
