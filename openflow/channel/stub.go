package channel

import (
	"context"
	"net"

	"conga/openflow"
)

type Listener struct{}

func Listen(addr string, cfg Config) (*Listener, error)       { return nil, nil }
func (l *Listener) Addr() net.Addr                            { return nil }
func (l *Listener) Accept(ctx context.Context) (*Conn, error) { return nil, nil }
func (l *Listener) Close() error                              { return nil }

func Server(ctx context.Context, nc net.Conn, cfg Config) (*Conn, error) { return nil, nil }

type Conn struct{}

func (c *Conn) DPID() openflow.DPID                                  { return 0 }
func (c *Conn) Features() *openflow.FeaturesReply                    { return nil }
func (c *Conn) Ports() []openflow.Port                               { return nil }
func (c *Conn) RemoteAddr() net.Addr                                 { return nil }
func (c *Conn) Start(handle func(openflow.Header, openflow.Message)) {}
func (c *Conn) Send(m openflow.Message) error                        { return nil }
func (c *Conn) PacketOut(p *openflow.PacketOut, urgent bool) error   { return nil }
func (c *Conn) Request(ctx context.Context, m openflow.Message) (openflow.Message, error) {
	return nil, nil
}
func (c *Conn) Commit(msgs []openflow.Message) *Commit { return nil }
func (c *Conn) Done() <-chan struct{}                  { return nil }
func (c *Conn) Err() error                             { return nil }
func (c *Conn) Close() error                           { return nil }

type Commit struct{}

func (k *Commit) Done() <-chan struct{} { return nil }
func (k *Commit) Err() error            { return nil }
func (k *Commit) Refused() []Refusal    { return nil }

type Refusal struct {
	Index int
	Err   *openflow.Error
}
