package flow

import (
	"testing"

	"conga/controller/purpose"
	"conga/openflow"
)

// Only what removes entries of circuits, and nothing else, waits until they
// have been counted; and what is changed before is one of them, if it is still
// its owner's.
func TestRecount(t *testing.T) {
	rule := func(kind purpose.Kind, owner uint64) *Rule {
		r := newRule(kind, tableAllocations, 1, openflow.Match{openflow.InPort(openflow.PortNo(owner))}, openflow.GotoTable(tableForwarding))
		r.Cookie = purpose.MakeCookie(kind, owner)
		return r
	}
	circuit, host := rule(purpose.Allocation, 7), rule(purpose.Forward, 8)
	doubtful := rule(purpose.Allocation, 9)
	doubtful.doubt = true
	for name, step := range map[string]struct {
		steps []Step
		want  *Rule
	}{
		"nothing":                        {},
		"a circuit goes":                 {[]Step{ruleStep(circuit, nil)}, circuit},
		"a circuit and a host go":        {[]Step{ruleStep(circuit, nil), ruleStep(host, nil)}, circuit},
		"a host goes":                    {[]Step{ruleStep(host, nil)}, nil},
		"a host comes, a circuit goes":   {[]Step{ruleStep(nil, host), ruleStep(circuit, nil)}, nil},
		"a meter changes":                {[]Step{meterStep(1, nil, nil), ruleStep(circuit, nil)}, nil},
		"what is there is not all known": {[]Step{ruleStep(doubtful, nil)}, nil},
	} {
		got := (&Reconciler{}).Recount(step.steps)
		switch {
		case got == nil && step.want == nil:
		case got == nil || step.want == nil:
			t.Errorf("%s: %+v; want a change of %+v", name, got, step.want)
		case got.Command != openflow.FlowModifyStrict || got.Cookie != step.want.Cookie || got.CookieMask != ^openflow.Cookie(0) ||
			got.Priority != step.want.Priority || len(got.Instructions) != len(step.want.Instructions):
			t.Errorf("%s: %+v; want a change of %+v to what it is", name, got, step.want)
		}
	}
}
