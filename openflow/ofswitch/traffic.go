package ofswitch

import (
	"context"
	"net/netip"
	"time"

	"conga/openflow"
)

// Traffic describes a stream of datagrams.
type Traffic struct {
	Rate     uint64        // bit/s of frames
	Size     int           // bytes a frame, 60 to 9000; 0: 1000
	Duration time.Duration // 0: until ctx ends
	DSCP     uint8
	SrcPort  uint16 // 0: 40000
}

// Arrivals are the datagrams of one stream that reached a host.
type Arrivals struct {
	Volume
	First, Last time.Time
	Via         []Hop // of the last one
	DSCP        uint8 // of the last one
}

// Rate returns the mean rate in bit/s between the first and the last arrival, 0
// if there are not two.
func (a Arrivals) Rate() float64 {
	span := a.Last.Sub(a.First).Seconds()
	if a.Packets < 2 || span <= 0 {
		return 0
	}
	return float64(a.Bytes) * 8 * float64(a.Packets-1) / float64(a.Packets) / span
}

// SendUDP resolves dst and sends datagrams at a rate until the duration is over
// or ctx ends. It returns what it sent; the error is the context's only where
// dst is not resolved.
func (h *Host) SendUDP(ctx context.Context, dst netip.AddrPort, t Traffic) (Volume, error) {
	hw, err := h.Resolve(ctx, dst.Addr())
	if err != nil {
		return Volume{}, err
	}
	if t.Size == 0 {
		t.Size = 1000
	}
	if t.SrcPort == 0 {
		t.SrcPort = 40000
	}
	src, _ := h.source(dst.Addr())
	data := Datagram{
		SrcMAC: h.mac, DstMAC: hw, Src: netip.AddrPortFrom(src, t.SrcPort), Dst: dst, DSCP: t.DSCP, Size: t.Size,
	}.UDP()
	return h.stream(ctx, data, t), nil
}

// stream sends the same frame over and over. A sender that wakes late catches
// up.
func (h *Host) stream(ctx context.Context, data []byte, t Traffic) (sent Volume) {
	gap := time.Duration(float64(len(data)) * 8 / float64(max(t.Rate, 1)) * float64(time.Second))
	timer := time.NewTimer(0)
	defer timer.Stop()
	start := time.Now()
	for due := time.Duration(0); t.Duration == 0 || due < t.Duration; due += gap {
		if wait := due - time.Since(start); wait > 0 {
			timer.Reset(wait)
			select {
			case <-timer.C:
			case <-ctx.Done():
			}
		}
		if ctx.Err() != nil {
			break
		}
		h.Send(data)
		sent.add(data)
	}
	return sent
}

func (h *Host) onUDP(p *packet, src netip.Addr, r Received) {
	key := stream{src, uint16(p.key.get(openflow.FieldUDPDst))}
	h.mu.Lock()
	defer h.mu.Unlock()
	a := h.streams[key]
	if a == nil {
		a = &Arrivals{First: r.At}
		h.streams[key] = a
	}
	a.add(r.Data)
	a.Last, a.Via, a.DSCP = r.At, r.Via, uint8(p.key.get(openflow.FieldIPDSCP))
}

// Got returns the datagrams received from src to the UDP port since the start
// or ResetGot.
func (h *Host) Got(src netip.Addr, port uint16) Arrivals {
	h.mu.Lock()
	defer h.mu.Unlock()
	if a := h.streams[stream{src, port}]; a != nil {
		return *a
	}
	return Arrivals{}
}

// ResetGot forgets all datagrams received.
func (h *Host) ResetGot() {
	h.mu.Lock()
	defer h.mu.Unlock()
	clear(h.streams)
}
