package openflow

// QueueGetConfigRequest asks for the queues of a port (§7.3.6).
type QueueGetConfigRequest struct {
	Port PortNo // PortAny: of all ports
}

// QueueGetConfigReply lists the queues of a port (§7.3.6).
type QueueGetConfigReply struct {
	Port   PortNo
	Queues []PacketQueue
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
	Experimenter uint32 // of an experimenter property: whose
	Data         []byte // of an experimenter or unknown property: what follows
}

// Type implements [Message].
func (*QueueGetConfigRequest) Type() Type { return TypeQueueGetConfigRequest }

// Type implements [Message].
func (*QueueGetConfigReply) Type() Type { return TypeQueueGetConfigReply }
