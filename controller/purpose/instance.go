package purpose

import "conga/openflow"

// An Instance tells one CONGA from others that have the same switches; 0: it
// has no number. It has 12 bits, of which half are set, so that none is
// contained in another: see [Instance.Own].
type Instance uint16

// bits returns the bits of a cookie that name the instance.
func (i Instance) bits() openflow.Cookie {
	c := openflow.Cookie(i)
	return c&0xff<<instanceShift | c>>8&0x0f<<44
}

// InstanceOf returns the instance that a cookie names.
func InstanceOf(c openflow.Cookie) Instance {
	return Instance(c&instanceLow>>instanceShift | c&instanceHigh>>44<<8)
}

// Mark returns a cookie as one of the instance.
func (i Instance) Mark(c openflow.Cookie) openflow.Cookie { return c | i.bits() }

// Unmark returns a cookie without the instance. That of another instance stays
// as it is.
func (i Instance) Unmark(c openflow.Cookie) openflow.Cookie {
	if Ours(c) && InstanceOf(c) == i {
		return c &^ i.bits()
	}
	return c
}

// Own returns a mask that, with a cookie of no instance, selects those that are
// the same but for the instance, which is this one or none.
func (i Instance) Own(mask openflow.Cookie) openflow.Cookie { return mask &^ i.bits() }
