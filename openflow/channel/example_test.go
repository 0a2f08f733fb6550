package channel_test

import (
	"context"
	"log/slog"

	"conga/openflow"
	"conga/openflow/channel"
)

// A controller that lists the flow entries of every switch, and removes them.
func Example() {
	l, err := channel.Listen(":6653", channel.Config{Log: slog.Default()})
	if err != nil {
		slog.Error("cannot listen", "err", err)
		return
	}
	defer l.Close()
	for {
		c, err := l.Accept(context.Background())
		if err != nil {
			return
		}
		go serve(c)
	}
}

func serve(c *channel.Conn) {
	defer c.Close()
	c.Start(func(h openflow.Header, m openflow.Message) {
		slog.Info("received", "dpid", c.DPID(), "type", h.Type)
	})
	reply, err := c.Request(context.Background(), openflow.NewMultipartRequest(openflow.AllFlows()))
	if err != nil {
		slog.Error("no flow entries", "dpid", c.DPID(), "err", err)
		return
	}
	entries := reply.(*openflow.MultipartReply).Body.(openflow.FlowStatsReply)
	slog.Info("flow entries", "dpid", c.DPID(), "count", len(entries))

	k := c.Commit([]openflow.Message{openflow.NewFlowDelete(openflow.TableAll, nil)})
	<-k.Done() // the barrier is answered, or the connection ended
	if err := k.Err(); err != nil {
		slog.Error("not confirmed", "dpid", c.DPID(), "err", err)
	}
	for _, r := range k.Refused() {
		slog.Error("refused", "dpid", c.DPID(), "message", r.Index, "err", r.Err)
	}
}
