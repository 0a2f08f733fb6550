package openflow

import "testing"

var errorSamples = []sample{
	{"error", &Error{ErrType: ErrorTypeBadMatch, Code: 9, Data: []byte{4, 14, 0, 56, 0, 0, 0, 1}}},
	{"error without data", &Error{ErrType: ErrorTypeFlowModFailed, Code: 1}},
	{"hello failed", &Error{ErrType: ErrorTypeHelloFailed, Data: []byte("no common version")}},
	{"experimenter error", &Error{ErrType: ErrorTypeExperimenter, Code: 2300, Experimenter: ExperimenterONF, Data: []byte{1}}},
}

func TestErrorNames(t *testing.T) {
	tests := []struct {
		err  *Error
		want string
	}{
		{NewError(BadMatchBadPrereq, nil), "openflow: bad match: bad prerequisite"},
		{NewError(HelloFailedIncompatible, nil), "openflow: hello failed: no common version"},
		{NewError(FlowModFailedTableFull, nil), "openflow: flow mod failed: table full"},
		{NewError(MeterModFailedOutOfBands, nil), "openflow: meter mod failed: out of bands"},
		{NewError(TableFeaturesFailedEPerm, nil), "openflow: table features failed: permission denied"},
		{&Error{ErrType: ErrorTypeBadMatch, Code: 77}, "openflow: bad match: code 77"},
		{&Error{ErrType: 88, Code: 77}, "openflow: error type 88: code 77"},
		{&Error{ErrType: ErrorTypeExperimenter, Code: 3, Experimenter: 0x2320}, "openflow: error 3 of experimenter 0x00002320"},
		{&Error{ErrType: ErrorTypeExperimenter, Code: 2313, Experimenter: ExperimenterONF}, "openflow: bundle failed: message failed"},
	}
	for _, test := range tests {
		if got := test.err.Error(); got != test.want {
			t.Errorf("%q, want %q", got, test.want)
		}
	}
}

func TestErrorHas(t *testing.T) {
	e := NewError(BadMatchBadPrereq, []byte{1})
	if !e.Has(BadMatchBadPrereq) || e.Has(BadMatchDupField) || e.Has(BadActionBadOutGroup) {
		t.Errorf("Has mistakes %v", e)
	}
}
