package flow

import (
	"conga/controller/purpose"
	"conga/openflow"
)

// Recount returns a message that changes an entry of a circuit to what it is
// already, for a switch that reads its data path again when an entry changes,
// and tells of entries that are removed what it read last. It is nil if steps
// remove none, or do something else that should not wait for that.
func (r *Reconciler) Recount(steps []Step) *openflow.FlowMod {
	var one *Rule
	for i := range steps {
		old := steps[i].Removes
		if old == nil {
			return nil
		}
		if kind, _ := purpose.ReadCookie(old.Cookie); kind == purpose.Allocation && !old.doubt {
			one = old
		}
	}
	if one == nil {
		return nil
	}
	m := install(one, true)
	m.CookieMask = ^openflow.Cookie(0)
	r.numbers.address(m)
	return m
}
