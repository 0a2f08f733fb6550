package openflow

import "encoding/binary"

// Error refuses a request (§7.4.4). It implements error.
type Error struct {
	ErrType      ErrorType
	Code         uint16 // one of the type's codes; with ErrorTypeExperimenter, its exp_type
	Experimenter uint32 // with ErrorTypeExperimenter: the experimenter ID
	Data         []byte // at least 64 bytes of the refused message, or text for ErrorTypeHelloFailed

	asSent
}

// ErrorType is the kind of an error (§7.4.4).
type ErrorType uint16

// The error types (§7.4.4).
const (
	ErrorTypeHelloFailed         ErrorType = 0
	ErrorTypeBadRequest          ErrorType = 1
	ErrorTypeBadAction           ErrorType = 2
	ErrorTypeBadInstruction      ErrorType = 3
	ErrorTypeBadMatch            ErrorType = 4
	ErrorTypeFlowModFailed       ErrorType = 5
	ErrorTypeGroupModFailed      ErrorType = 6
	ErrorTypePortModFailed       ErrorType = 7
	ErrorTypeTableModFailed      ErrorType = 8
	ErrorTypeQueueOpFailed       ErrorType = 9
	ErrorTypeSwitchConfigFailed  ErrorType = 10
	ErrorTypeRoleRequestFailed   ErrorType = 11
	ErrorTypeMeterModFailed      ErrorType = 12
	ErrorTypeTableFeaturesFailed ErrorType = 13
	ErrorTypeExperimenter        ErrorType = 0xffff
)

// Type implements [Message].
func (*Error) Type() Type { return TypeError }

func parseError(c *cursor) Message {
	p := c.take(4, "error")
	if p == nil {
		return nil
	}
	m := &Error{ErrType: ErrorType(binary.BigEndian.Uint16(p)), Code: binary.BigEndian.Uint16(p[2:])}
	if m.ErrType == ErrorTypeExperimenter {
		p := c.take(4, "error experimenter")
		if p == nil {
			return nil
		}
		m.Experimenter = binary.BigEndian.Uint32(p)
	}
	m.Data = c.rest()
	return m
}

func (m *Error) appendBody(dst []byte) ([]byte, error) {
	dst = binary.BigEndian.AppendUint16(dst, uint16(m.ErrType))
	dst = binary.BigEndian.AppendUint16(dst, m.Code)
	if m.ErrType == ErrorTypeExperimenter {
		dst = binary.BigEndian.AppendUint32(dst, m.Experimenter)
	}
	return append(dst, m.Data...), nil
}
