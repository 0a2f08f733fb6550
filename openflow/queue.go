package openflow

import "encoding/binary"

// QueueGetConfigRequest asks for the queues of a port (§7.3.6).
type QueueGetConfigRequest struct {
	Port PortNo // PortAny: of all ports

	asSent
}

// QueueGetConfigReply lists the queues of a port (§7.3.6).
type QueueGetConfigReply struct {
	Port   PortNo
	Queues []PacketQueue

	asSent
}

// A PacketQueue describes one queue (§7.2.2).
type PacketQueue struct {
	ID         uint32
	Port       PortNo
	Properties []QueueProperty
}

// QueuePropertyType is the kind of a queue property (§7.2.2).
type QueuePropertyType uint16

// The queue property types (§7.2.2).
const (
	QueueMinRate      QueuePropertyType = 1
	QueueMaxRate      QueuePropertyType = 2
	QueueExperimenter QueuePropertyType = 0xffff
)

// A QueueProperty is one property of a queue (§7.2.2).
type QueueProperty struct {
	Type         QueuePropertyType
	Rate         uint16 // of a minimum or maximum rate: 1/10 % of the port; above 1000 means off
	Experimenter uint32 // of an experimenter property: the experimenter ID
	Data         []byte // of an experimenter or unknown property: what follows
}

// Type implements [Message].
func (*QueueGetConfigRequest) Type() Type { return TypeQueueGetConfigRequest }

// Type implements [Message].
func (*QueueGetConfigReply) Type() Type { return TypeQueueGetConfigReply }

func parseQueueGetConfigRequest(c *cursor) Message {
	p := c.take(8, "queue get config request")
	if p == nil {
		return nil
	}
	c.zeros(p[4:])
	return &QueueGetConfigRequest{Port: PortNo(binary.BigEndian.Uint32(p))}
}

func (m *QueueGetConfigRequest) appendBody(dst []byte) ([]byte, error) {
	return append(binary.BigEndian.AppendUint32(dst, uint32(m.Port)), 0, 0, 0, 0), nil
}

func parseQueueGetConfigReply(c *cursor) Message {
	p := c.take(8, "queue get config reply")
	if p == nil {
		return nil
	}
	c.zeros(p[4:])
	m := &QueueGetConfigReply{Port: PortNo(binary.BigEndian.Uint32(p))}
	for c.more() {
		outer, ok := c.enter("queue", 8, 16)
		if !ok {
			return nil
		}
		p := c.take(16, "queue")
		c.zeros(p[10:])
		m.Queues = append(m.Queues, PacketQueue{
			ID:         binary.BigEndian.Uint32(p),
			Port:       PortNo(binary.BigEndian.Uint32(p[4:])),
			Properties: c.queueProperties(),
		})
		c.leave("queue", outer)
	}
	return m
}

func (m *QueueGetConfigReply) appendBody(dst []byte) ([]byte, error) {
	dst = append(binary.BigEndian.AppendUint32(dst, uint32(m.Port)), 0, 0, 0, 0)
	for i := range m.Queues {
		q := &m.Queues[i]
		start := len(dst)
		var p []byte
		dst, p = grow(dst, 16)
		binary.BigEndian.PutUint32(p, q.ID)
		binary.BigEndian.PutUint32(p[4:], uint32(q.Port))
		var err error
		if dst, err = appendQueueProperties(dst, q.Properties); err != nil {
			return nil, err
		}
		if err := putLength(dst, start, 8, "queue"); err != nil {
			return nil, err
		}
	}
	return dst, nil
}

func (c *cursor) queueProperties() (props []QueueProperty) {
	for c.more() {
		outer, ok := c.enter("queue property", 2, 8)
		if !ok {
			return nil
		}
		p := c.take(8, "queue property")
		c.zeros(p[4:])
		q := QueueProperty{Type: QueuePropertyType(binary.BigEndian.Uint16(p))}
		switch q.Type {
		case QueueMinRate, QueueMaxRate:
			if p := c.take(8, "queue rate"); p != nil {
				q.Rate = binary.BigEndian.Uint16(p)
				c.zeros(p[2:])
			}
		case QueueExperimenter:
			if p := c.take(8, "queue property"); p != nil {
				q.Experimenter = binary.BigEndian.Uint32(p)
				c.zeros(p[4:])
			}
			q.Data = c.rest()
		default:
			q.Data = c.rest()
		}
		c.leave("queue property", outer)
		props = append(props, q)
	}
	return props
}

func appendQueueProperties(dst []byte, props []QueueProperty) ([]byte, error) {
	for i := range props {
		q := &props[i]
		start := len(dst)
		dst = binary.BigEndian.AppendUint16(dst, uint16(q.Type))
		dst = append(dst, 0, 0, 0, 0, 0, 0)
		switch q.Type {
		case QueueMinRate, QueueMaxRate:
			dst = binary.BigEndian.AppendUint16(dst, q.Rate)
			dst = append(dst, 0, 0, 0, 0, 0, 0)
		case QueueExperimenter:
			dst = binary.BigEndian.AppendUint32(dst, q.Experimenter)
			dst = append(dst, 0, 0, 0, 0)
			dst = append(dst, q.Data...)
		default:
			dst = append(dst, q.Data...)
		}
		if err := putLength(dst, start, 2, "queue property"); err != nil {
			return nil, err
		}
	}
	return dst, nil
}
