package ofswitch

import (
	"maps"

	"conga/openflow"
)

// maxBundle bounds the messages of a bundle.
const maxBundle = 1 << 20

// A bundle collects messages that are obeyed together (ONF EXT-230).
type bundle struct {
	flags    openflow.BundleFlags
	closed   bool
	messages []*openflow.BundleAdd
}

func errBundleID() *openflow.Error     { return onfError(2301) }
func errBundleExists() *openflow.Error { return onfError(2302) }
func errBundleClosed() *openflow.Error { return onfError(2303) }
func errBundleFull() *openflow.Error   { return onfError(2304) }
func errBundleType() *openflow.Error   { return onfError(2305) }
func errBundleFlags() *openflow.Error  { return onfError(2306) }
func errBundleUnsup() *openflow.Error  { return onfError(2309) }
func errBundleFailed() *openflow.Error { return onfError(2315) }

// experimenterLocked obeys the experimenter messages that the switch knows:
// bundles.
func (c *conn) experimenterLocked(m *openflow.Experimenter) (openflow.Message, *openflow.Error) {
	if ctl, ok, err := m.BundleControl(); ok {
		if err != nil {
			return nil, errBadLen()
		}
		return c.bundleControlLocked(ctl)
	}
	if add, ok, err := m.BundleAdd(); ok {
		if err != nil {
			return nil, errBadLen()
		}
		return nil, c.bundleAddLocked(add)
	}
	return nil, errBadExperimenter()
}

func (c *conn) bundleAddLocked(m *openflow.BundleAdd) *openflow.Error {
	b := c.bundles[m.ID]
	switch {
	case b == nil:
		b = &bundle{flags: m.Flags}
		c.bundles[m.ID] = b
	case b.closed:
		return errBundleClosed()
	case b.flags != m.Flags:
		return errBundleFlags()
	case len(b.messages) >= maxBundle:
		return errBundleFull()
	}
	switch m.Message.(type) {
	case *openflow.FlowMod, *openflow.GroupMod, *openflow.PortMod, *openflow.PacketOut:
		b.messages = append(b.messages, m)
		return nil
	}
	return errBundleUnsup()
}

func (c *conn) bundleControlLocked(m *openflow.BundleControl) (openflow.Message, *openflow.Error) {
	b := c.bundles[m.ID]
	switch {
	case m.Type == openflow.BundleOpenRequest && b != nil:
		delete(c.bundles, m.ID)
		return nil, errBundleExists()
	case m.Type == openflow.BundleOpenRequest:
		c.bundles[m.ID] = &bundle{flags: m.Flags}
	case m.Type > openflow.BundleDiscardReply || m.Type%2 == 1:
		return nil, errBundleType()
	case b == nil:
		return nil, errBundleID()
	case b.flags != m.Flags:
		delete(c.bundles, m.ID)
		return nil, errBundleFlags()
	case m.Type == openflow.BundleCloseRequest && b.closed:
		delete(c.bundles, m.ID)
		return nil, errBundleClosed()
	case m.Type == openflow.BundleCloseRequest:
		b.closed = true
	default:
		delete(c.bundles, m.ID)
		if m.Type == openflow.BundleCommitRequest && !c.commitLocked(b) {
			return nil, errBundleFailed()
		}
	}
	return (&openflow.BundleControl{ID: m.ID, Type: m.Type + 1, Flags: m.Flags}).Experimenter(), nil
}

// commitLocked obeys the messages of a bundle, all or none, and reports whether
// all succeeded. The error of the one that failed is sent under its own XID.
// Announcements wait until the bundle has succeeded.
func (c *conn) commitLocked(b *bundle) bool {
	s := c.s
	undo := s.snapshotLocked()
	var held []openflow.Message
	s.deferred = &held
	defer func() { s.deferred = nil }()
	for _, m := range b.messages {
		err := c.rejectLocked(m.Message)
		if err == nil {
			err = s.changeLocked(m.Message)
		}
		if err != nil {
			undo()
			raw, _ := openflow.Append(nil, m.XID, m.Message)
			c.refuseLocked(m.XID, raw, err)
			return false
		}
	}
	s.deferred = nil
	for _, m := range held {
		s.announceLocked(m)
	}
	return true
}

// snapshotLocked returns a function that puts tables, groups and ports back to
// what they are now.
func (s *Switch) snapshotLocked() (undo func()) {
	entries := s.selectedLocked(openflow.TableAll, &filter{outPort: openflow.PortAny, outGroup: openflow.GroupAny})
	saved := make([]entry, len(entries))
	for i, e := range entries {
		saved[i] = *e
	}
	groups := maps.Clone(s.groups)
	configs := map[*Port]openflow.PortConfig{}
	for _, p := range s.order {
		configs[p] = p.config
	}
	return func() {
		for _, e := range s.selectedLocked(openflow.TableAll, &filter{outPort: openflow.PortAny, outGroup: openflow.GroupAny}) {
			s.dropLocked(e)
		}
		for i, e := range entries {
			*e = saved[i]
			s.addLocked(e)
		}
		s.groups = groups
		for p, config := range configs {
			p.config = config
		}
	}
}
