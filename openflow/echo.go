package openflow

// EchoRequest asks the other side for a sign of life (§7.5.2).
type EchoRequest struct {
	Data []byte // comes back in the reply
}

// EchoReply answers an echo request with the request's data (§7.5.3).
type EchoReply struct {
	Data []byte
}

// BarrierRequest asks the switch to finish everything before it first (§7.3.8).
type BarrierRequest struct{}

// BarrierReply says that everything before the request is done (§7.3.8).
type BarrierReply struct{}

// Experimenter is a message that an experimenter defines (§7.5.4).
type Experimenter struct {
	Experimenter uint32 // an ONF experimenter ID, or an IEEE OUI
	ExpType      uint32 // the type, in the experimenter's numbering
	Data         []byte
}

// Type implements [Message].
func (*EchoRequest) Type() Type { return TypeEchoRequest }

// Type implements [Message].
func (*EchoReply) Type() Type { return TypeEchoReply }

// Type implements [Message].
func (*BarrierRequest) Type() Type { return TypeBarrierRequest }

// Type implements [Message].
func (*BarrierReply) Type() Type { return TypeBarrierReply }

// Type implements [Message].
func (*Experimenter) Type() Type { return TypeExperimenter }

func (m *EchoRequest) appendBody(dst []byte) ([]byte, error) { return append(dst, m.Data...), nil }

func (m *EchoReply) appendBody(dst []byte) ([]byte, error) { return append(dst, m.Data...), nil }

func (*BarrierRequest) appendBody(dst []byte) ([]byte, error) { return dst, nil }

func (*BarrierReply) appendBody(dst []byte) ([]byte, error) { return dst, nil }

func (m *Experimenter) appendBody(dst []byte) ([]byte, error) {
	return appendExperimenter(dst, m.Experimenter, m.ExpType, m.Data), nil
}
