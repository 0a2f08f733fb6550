package openflow

// An EntryKey is the identity of a flow entry within a switch (§5.2): no switch
// holds two entries with the same key.
type EntryKey struct {
	Table    TableID
	Priority uint16
	Match    string // [Match.Key] of its match
}

// Key returns the identity of the entry.
func (f *FlowStats) Key() EntryKey { return EntryKey{f.Table, f.Priority, f.Match.Key()} }

// Key returns the identity that the entry had.
func (f *FlowRemoved) Key() EntryKey { return EntryKey{f.Table, f.Priority, f.Match.Key()} }
