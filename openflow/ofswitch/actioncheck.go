package ofswitch

import "conga/openflow"

// maxPort is the highest port number that Open vSwitch lets an action name.
const maxPort openflow.PortNo = 0xfeff

// An actionCheck follows what a list of actions does to a packet that matches,
// to refuse actions that do not fit it (§6.4), as Open vSwitch does.
type actionCheck struct {
	rule  ruleMatch
	port  openflow.PortNo // the highest that may be named
	inner int             // VLAN tags known to be inside the outermost; Open vSwitch keeps two in all
	inSet bool            // the actions are for an action set, which may run on other packets
	unfit bool            // an action did not fit; this counts only if nothing else is wrong
}

func (c *actionCheck) all(actions []openflow.Action) *openflow.Error {
	for i := range actions {
		if err := c.one(&actions[i]); err != nil {
			return err
		}
	}
	return nil
}

func (c *actionCheck) one(a *openflow.Action) *openflow.Error {
	switch a.Type {
	case openflow.ActionOutput:
		return checkOutPort(a.Port, c.port)
	case openflow.ActionGroup, openflow.ActionSetQueue:
	case openflow.ActionSetMPLSTTL, openflow.ActionDecMPLSTTL:
		return c.need(c.rule.has(openflow.FieldEthType, etherMPLS, etherMPLSM))
	case openflow.ActionSetNwTTL, openflow.ActionDecNwTTL:
		return c.need(c.rule.has(openflow.FieldEthType, etherIPv4, etherIPv6))
	case openflow.ActionSetField:
		return c.setField(a.Field)
	case openflow.ActionPushVLAN:
		if !isVLAN(a.EtherType) {
			return errBadArgument()
		}
		if c.hasVLAN() && c.inner >= 1 {
			return errBadTag()
		}
		if c.hasVLAN() {
			c.inner++
		}
		c.rule.assume(openflow.FieldVLANVID, uint64(openflow.VLANPresent))
	case openflow.ActionPopVLAN:
		if err := c.need(c.hasVLAN()); err != nil {
			return err
		}
		if c.inner > 0 {
			c.inner--
		} else {
			c.rule.assume(openflow.FieldVLANVID, 0)
		}
	case openflow.ActionPushMPLS:
		if a.EtherType != etherMPLS && a.EtherType != etherMPLSM {
			return errBadArgument()
		}
		c.rule.assume(openflow.FieldEthType, uint64(a.EtherType))
	case openflow.ActionPopMPLS:
		if err := c.need(c.rule.has(openflow.FieldEthType, etherMPLS, etherMPLSM)); err != nil {
			return err
		}
		c.rule.assume(openflow.FieldEthType, uint64(a.EtherType))
	case openflow.ActionExperimenter:
		return errBadActionExp()
	default:
		return errBadActionType()
	}
	return nil
}

func checkOutPort(p, highest openflow.PortNo) *openflow.Error {
	switch {
	case p >= openflow.PortInPort && p != openflow.PortAny, p <= highest:
		return nil
	}
	return errBadOutPort()
}

// remaining returns the error that is left when all actions have been looked
// at.
func (c *actionCheck) remaining() *openflow.Error {
	if c.unfit {
		return errInconsistent()
	}
	return nil
}

func (c *actionCheck) need(ok bool) *openflow.Error {
	c.unfit = c.unfit || (!ok && !c.inSet)
	return nil
}

func (c *actionCheck) hasVLAN() bool {
	present := uint64(openflow.VLANPresent)
	return c.rule.mask.get(openflow.FieldVLANVID)&present != 0 && c.rule.key.get(openflow.FieldVLANVID)&present != 0
}

// assume makes the match say that a field has a value from here on.
func (m *ruleMatch) assume(f openflow.Field, v uint64) {
	m.mask.set(f, ^uint64(0))
	m.key.set(f, v)
}

// setField checks a set-field action: the field can be set, the value fits, and
// the packet has the field.
func (c *actionCheck) setField(o openflow.OXM) *openflow.Error {
	f := o.Field()
	if o.Class() != openflow.OXMClassBasic || !supported(f) {
		return errBadSetType()
	}
	if !settable(f) {
		return errBadSetArg()
	}
	if o.Masked() || len(o.Value()) != f.Len() {
		return errBadSetLen()
	}
	if err := checkWidth(o); err != nil {
		return errBadSetArg()
	}
	if f == openflow.FieldVLANVID || f == openflow.FieldVLANPCP {
		return c.need(c.hasVLAN())
	}
	if !c.rule.prerequisites(f) {
		return errInconsistent() // here Open vSwitch is strict in action sets, too
	}
	return nil
}

// settable reports whether a set-field action may name the field: one that does
// not decide how the rest of the packet is read (§7.2.5).
func settable(f openflow.Field) bool {
	switch f {
	case openflow.FieldInPort, openflow.FieldEthType, openflow.FieldIPProto:
		return false
	}
	return true
}
