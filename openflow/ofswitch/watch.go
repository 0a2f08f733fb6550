package ofswitch

import "conga/openflow"

// FlowsTo returns how many flow entries output to the port. It looks through all
// entries without copying them, so that it may be asked often.
func (s *Switch) FlowsTo(port openflow.PortNo) (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expireDue(s.now())
	for i := range s.tables {
		s.tables[i].all(func(e *entry) bool {
			if e.program.outputsTo(port, openflow.GroupAny) {
				n++
			}
			return true
		})
	}
	return n
}

// OnMessage has fn called with every message from a controller before it is obeyed,
// in order; nil ends it. fn is called with the switch locked: it must not call the
// switch, and must not keep or change the message.
func (s *Switch) OnMessage(fn func(openflow.Message)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.heard = fn
}
