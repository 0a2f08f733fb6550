package channel

import (
	"net"
	"testing"
	"time"

	"conga/openflow"
)

// BenchmarkWake reports the CPU for messages that come one at a time, as the
// first frames of hosts do: most of it is waking up. bare is a connection of
// which the bytes are read and thrown away, which is the least that a program
// in Go can do; the sender is in both.
func BenchmarkWake(b *testing.B) {
	b.Run("bare", func(b *testing.B) {
		wake(b, func(nc net.Conn, got chan<- struct{}) {
			go func() {
				buf := make([]byte, 64<<10)
				for {
					if _, err := nc.Read(buf); err != nil {
						return
					}
					got <- struct{}{}
				}
			}()
		})
	})
	b.Run("channel", func(b *testing.B) {
		wake(b, nil)
	})
}

// wake sends a packet-in every millisecond, by eight connections in turn.
func wake(b *testing.B, bare func(net.Conn, chan<- struct{})) {
	in, err := openflow.Append(nil, 0, &openflow.PacketIn{
		BufferID: openflow.NoBuffer, TotalLen: 60, Match: openflow.Match{openflow.InPort(1)}, Data: make([]byte, 60),
	})
	if err != nil {
		b.Fatal(err)
	}
	got := make(chan struct{}, 1)
	var far [8]net.Conn
	for i := range far {
		if bare != nil {
			near, other := tcpPair(b)
			defer near.Close()
			bare(near, got)
			far[i] = other
		} else {
			c, p := loopback(b, Config{})
			c.Start(func(openflow.Header, openflow.Message) { got <- struct{}{} })
			far[i] = p.nc
		}
		defer far[i].Close()
	}
	var spent time.Duration
	n := 0
	for b.Loop() {
		start := cpuTime()
		if _, err := far[n%len(far)].Write(in); err != nil {
			b.Fatal(err)
		}
		<-got
		time.Sleep(time.Millisecond)
		spent += time.Duration(cpuTime() - start)
		n++
	}
	b.ReportMetric(float64(spent.Microseconds())/float64(n), "cpu-us/message")
}
