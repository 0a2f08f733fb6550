package openflow

var errorSamples = []sample{
	{"error", &Error{ErrType: ErrorTypeBadMatch, Code: 9, Data: []byte{4, 14, 0, 56, 0, 0, 0, 1}}},
	{"error without data", &Error{ErrType: ErrorTypeFlowModFailed, Code: 1}},
	{"hello failed", &Error{ErrType: ErrorTypeHelloFailed, Data: []byte("no common version")}},
	{"experimenter error", &Error{ErrType: ErrorTypeExperimenter, Code: 2300, Experimenter: ExperimenterONF, Data: []byte{1}}},
}
