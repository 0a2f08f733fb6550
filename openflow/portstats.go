package openflow

import (
	"encoding/binary"
	"slices"
)

// PortStatsRequest asks for the counters of a port (§7.3.5.6).
type PortStatsRequest struct {
	Port PortNo // PortAny: of all ports
}

// PortStatsReply lists port counters (§7.3.5.6).
type PortStatsReply []PortStats

// PortStats are the counters of one port; a counter that the switch does not
// keep is all ones (§7.3.5.6).
type PortStats struct {
	Port         PortNo
	RxPackets    uint64
	TxPackets    uint64
	RxBytes      uint64
	TxBytes      uint64
	RxDropped    uint64 // packets
	TxDropped    uint64 // packets
	RxErrors     uint64 // all receive errors, the next three among them
	TxErrors     uint64
	RxFrameErr   uint64
	RxOverErr    uint64
	RxCRCErr     uint64
	Collisions   uint64
	DurationSec  uint32 // whole seconds the port has been there
	DurationNsec uint32 // nanoseconds beyond those
}

// PortDescReply lists the ports of the switch (§7.3.5.7).
type PortDescReply []Port

// QueueStatsRequest asks for the counters of queues (§7.3.5.8).
type QueueStatsRequest struct {
	Port  PortNo // PortAny: of all ports
	Queue uint32 // QueueAll: all queues
}

// QueueStatsReply lists queue counters (§7.3.5.8).
type QueueStatsReply []QueueStats

// QueueStats are the counters of one queue (§7.3.5.8).
type QueueStats struct {
	Port         PortNo
	Queue        uint32
	TxBytes      uint64
	TxPackets    uint64
	TxErrors     uint64 // packets dropped because the queue was full
	DurationSec  uint32 // whole seconds the queue has been there
	DurationNsec uint32 // nanoseconds beyond those
}

func (*PortStatsRequest) requestType() MultipartType { return MultipartPortStats }

func (PortStatsReply) replyType() MultipartType { return MultipartPortStats }

func (PortDescReply) replyType() MultipartType { return MultipartPortDesc }

func (*QueueStatsRequest) requestType() MultipartType { return MultipartQueue }

func (QueueStatsReply) replyType() MultipartType { return MultipartQueue }

func (r *PortStatsRequest) appendRequest(dst []byte) ([]byte, error) {
	return appendPaddedID(dst, uint32(r.Port)), nil
}

const portStatsLen = 112

// counters returns the counters of s in the order they travel in.
func (s *PortStats) counters() [12]*uint64 {
	return [...]*uint64{
		&s.RxPackets, &s.TxPackets, &s.RxBytes, &s.TxBytes, &s.RxDropped, &s.TxDropped,
		&s.RxErrors, &s.TxErrors, &s.RxFrameErr, &s.RxOverErr, &s.RxCRCErr, &s.Collisions,
	}
}

func parsePortStats(c *cursor) (r PortStatsReply) {
	r = slices.Grow(r, (c.end-c.off)/portStatsLen)
	for c.more() {
		p := c.take(portStatsLen, "port stats")
		if p == nil {
			return nil
		}
		c.zeros(p[4:8])
		s := PortStats{
			Port:         PortNo(binary.BigEndian.Uint32(p)),
			DurationSec:  binary.BigEndian.Uint32(p[104:]),
			DurationNsec: binary.BigEndian.Uint32(p[108:]),
		}
		for i, counter := range s.counters() {
			*counter = binary.BigEndian.Uint64(p[8+8*i:])
		}
		r = append(r, s)
	}
	return r
}

func (r PortStatsReply) appendReply(dst []byte) ([]byte, error) {
	for i := range r {
		s := &r[i]
		var p []byte
		dst, p = grow(dst, portStatsLen)
		binary.BigEndian.PutUint32(p, uint32(s.Port))
		for i, counter := range s.counters() {
			binary.BigEndian.PutUint64(p[8+8*i:], *counter)
		}
		binary.BigEndian.PutUint32(p[104:], s.DurationSec)
		binary.BigEndian.PutUint32(p[108:], s.DurationNsec)
	}
	return dst, nil
}

func parsePortDesc(c *cursor) (r PortDescReply) {
	r = slices.Grow(r, (c.end-c.off)/portLen)
	for c.more() {
		r = append(r, c.port())
	}
	return r
}

func (r PortDescReply) appendReply(dst []byte) ([]byte, error) {
	var err error
	for i := range r {
		if dst, err = r[i].append(dst); err != nil {
			return nil, err
		}
	}
	return dst, nil
}

func parseQueueStatsRequest(c *cursor) *QueueStatsRequest {
	p := c.take(8, "queue stats request")
	if p == nil {
		return nil
	}
	return &QueueStatsRequest{
		Port:  PortNo(binary.BigEndian.Uint32(p)),
		Queue: binary.BigEndian.Uint32(p[4:]),
	}
}

func (r *QueueStatsRequest) appendRequest(dst []byte) ([]byte, error) {
	dst = binary.BigEndian.AppendUint32(dst, uint32(r.Port))
	return binary.BigEndian.AppendUint32(dst, r.Queue), nil
}

const queueStatsLen = 40

func parseQueueStats(c *cursor) (r QueueStatsReply) {
	r = slices.Grow(r, (c.end-c.off)/queueStatsLen)
	for c.more() {
		p := c.take(queueStatsLen, "queue stats")
		if p == nil {
			return nil
		}
		r = append(r, QueueStats{
			Port:         PortNo(binary.BigEndian.Uint32(p)),
			Queue:        binary.BigEndian.Uint32(p[4:]),
			TxBytes:      binary.BigEndian.Uint64(p[8:]),
			TxPackets:    binary.BigEndian.Uint64(p[16:]),
			TxErrors:     binary.BigEndian.Uint64(p[24:]),
			DurationSec:  binary.BigEndian.Uint32(p[32:]),
			DurationNsec: binary.BigEndian.Uint32(p[36:]),
		})
	}
	return r
}

func (r QueueStatsReply) appendReply(dst []byte) ([]byte, error) {
	for i := range r {
		s := &r[i]
		var p []byte
		dst, p = grow(dst, queueStatsLen)
		binary.BigEndian.PutUint32(p, uint32(s.Port))
		binary.BigEndian.PutUint32(p[4:], s.Queue)
		binary.BigEndian.PutUint64(p[8:], s.TxBytes)
		binary.BigEndian.PutUint64(p[16:], s.TxPackets)
		binary.BigEndian.PutUint64(p[24:], s.TxErrors)
		binary.BigEndian.PutUint32(p[32:], s.DurationSec)
		binary.BigEndian.PutUint32(p[36:], s.DurationNsec)
	}
	return dst, nil
}
