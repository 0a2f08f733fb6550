package channel

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"conga/openflow"
)

const (
	// handshakeMultipart is how many bytes of port descriptions are taken from
	// a switch that is not known yet: about 16,000 ports.
	handshakeMultipart = 1 << 20
	// sendBuffer is what the kernel may hold back towards a switch, in bytes.
	// With more, an echo reply would wait too long behind flow mods that a slow
	// switch has not read.
	sendBuffer = 256 << 10

	codeIncompatible uint16 = 0 // of OFPET_HELLO_FAILED (§7.5.4)
)

// A handshake is a connection on its way to a [Conn] (§6.3).
type handshake struct {
	cfg Config
	nc  net.Conn
	c   *Conn // from the moment when OpenFlow is spoken
}

// Server completes the handshake with the switch at the other end of nc: TLS
// where configured, hello, features and port description. It owns nc from now
// on, and closes it if the handshake fails, ctx ends, or
// Config.HandshakeTimeout passes. The error is an *[Error], for example
// ErrVersion or ErrTimeout.
func Server(ctx context.Context, nc net.Conn, cfg Config) (*Conn, error) {
	hs := &handshake{cfg: cfg.withDefaults(), nc: nc}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer newWatch(nc, hs.cfg.HandshakeTimeout, cancel).stop()
	stop := context.AfterFunc(ctx, func() { nc.Close() })
	err := hs.run(ctx)
	if !stop() || err != nil {
		return nil, hs.abandon(ctx, err)
	}
	return hs.c, nil
}

// run takes the steps, one after the other.
func (hs *handshake) run(ctx context.Context) error {
	for _, step := range [...]func(context.Context) error{hs.transport, hs.hello, hs.features, hs.ports} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	hs.c.known.Store(true)
	return nil
}

// transport sets up TCP and TLS, and starts the writer.
func (hs *handshake) transport(ctx context.Context) error {
	if tcp, ok := hs.nc.(*net.TCPConn); ok {
		tcp.SetNoDelay(true)
		tcp.SetKeepAliveConfig(keepAlive)
		tcp.SetWriteBuffer(sendBuffer)
	}
	nc := hs.nc
	if hs.cfg.TLS != nil {
		t := tls.Server(nc, hs.cfg.TLS)
		if err := t.HandshakeContext(ctx); err != nil {
			return &Error{Op: "TLS", Kind: ErrNetwork, Err: err}
		}
		nc = t
	}
	hs.c = newConn(nc, hs.cfg)
	return nil
}

// hello sends our version and reads the switch's (§6.3.1). Both sides speak at
// once, so the writer writes ours while we read.
func (hs *handshake) hello(context.Context) error {
	c := hs.c
	if err := c.queue.put(classFirst, c.calls.xid(), openflow.NewHello(openflow.Version)); err != nil {
		return c.closedError("hello")
	}
	h, m, err := hs.firstMessage()
	if err != nil {
		return err
	}
	switch m := m.(type) {
	case *openflow.Hello:
		if !m.Supports(h.Version, openflow.Version) {
			return hs.incompatible(h, m)
		}
	case *openflow.Error:
		return &Error{Op: "hello", Kind: ErrVersion, Err: m}
	default:
		hs.c.reader.refuse(h, nil, codeBadType)
		return &Error{Op: "hello", Kind: ErrProtocol, Err: fmt.Errorf("the first message is a %v", h.Type)}
	}
	c.loops.Add(1)
	go c.reader.run()
	return nil
}

// firstMessage reads the first message. The deadline is that of the handshake.
func (hs *handshake) firstMessage() (openflow.Header, openflow.Message, error) {
	r := &hs.c.reader
	for {
		h, b, err := r.in.Next()
		if err != nil {
			r.refuse(h, r.in.Left(), codeBadLen)
			return h, nil, &Error{Op: "hello", Kind: ErrProtocol, Err: err}
		}
		if b == nil {
			if h.Length > 0 && h.Type > openflow.TypeError {
				// Some other protocol: do not wait for as much as it seems to
				// announce.
				r.refuse(h, r.in.Left(), codeBadType)
				return h, nil, &Error{Op: "hello", Kind: ErrProtocol, Err: errNoHello}
			}
			if err := r.fillOnce(); err != nil {
				return h, nil, ioError("hello", err)
			}
			continue
		}
		m, err := parseFirst(h, b)
		if err != nil {
			r.refuse(h, b, errorCode(h, err))
			return h, nil, &Error{Op: "hello", Kind: ErrProtocol, Err: err}
		}
		return h, m, nil
	}
}

// parseFirst reads a first message. A hello may have a version bitmap whatever
// the version in its header, or what a later version defines, or, before 1.3.1,
// anything at all.
func parseFirst(h openflow.Header, b []byte) (openflow.Message, error) {
	if h.Type == openflow.TypeHello && h.Version != openflow.Version {
		as13 := bytes.Clone(b)
		as13[0] = openflow.Version
		if _, m, err := openflow.Parse(as13); err == nil {
			return m, nil
		}
	}
	_, m, err := openflow.Parse(b)
	return m, err
}

var errNoHello = errors.New("the peer does not begin with a hello")

// incompatible refuses a switch that does not speak OpenFlow 1.3, with a text
// for its log (§6.3.1).
func (hs *handshake) incompatible(h openflow.Header, m *openflow.Hello) error {
	text := "this controller speaks OpenFlow 1.3 only, the switch offers " + offered(h, m)
	hs.c.queue.putWait(h.XID, &openflow.Error{
		ErrType: openflow.ErrorTypeHelloFailed,
		Code:    codeIncompatible,
		Data:    []byte(text),
	})
	return &Error{Op: "hello", Kind: ErrVersion, Err: errors.New("the switch offers " + offered(h, m))}
}

// offered returns the versions of a hello, such as "1.0, 1.4".
func offered(h openflow.Header, m *openflow.Hello) string {
	var names []string
	for _, e := range m.Elements {
		if e.Type != openflow.HelloVersionBitmap {
			continue
		}
		for v := range 32 {
			if len(e.Bitmap) > 0 && e.Bitmap[0]&(1<<v) != 0 {
				names = append(names, versionName(uint8(v)))
			}
		}
		if len(names) == 0 {
			return "no version"
		}
		return strings.Join(names, ", ")
	}
	return "at most " + versionName(h.Version)
}

// versionName returns "1.3" for 4.
func versionName(v uint8) string {
	if v >= 1 && v <= 6 {
		return fmt.Sprintf("1.%d", v-1)
	}
	return fmt.Sprintf("version %d", v)
}

// features asks for the features of the switch, its datapath ID among them
// (§7.3.1).
func (hs *handshake) features(ctx context.Context) error {
	m, err := hs.c.request(ctx, &openflow.FeaturesRequest{}, 0)
	if err != nil {
		return hs.failed("features", err)
	}
	hs.c.features = m.(*openflow.FeaturesReply)
	return nil
}

// ports asks for the ports (§7.3.5.7).
func (hs *handshake) ports(ctx context.Context) error {
	ask := &openflow.MultipartRequest{MPType: openflow.MultipartPortDesc}
	m, err := hs.c.request(ctx, ask, min(handshakeMultipart, hs.cfg.MaxMultipart))
	if err != nil {
		return hs.failed("port description", err)
	}
	switch body := m.(*openflow.MultipartReply).Body.(type) {
	case nil: // no ports
	case openflow.PortDescReply:
		if n, most := len(body), hs.cfg.MaxPorts; n > most {
			return &Error{Op: "port description", Kind: ErrTooLarge, Err: fmt.Errorf("%d ports, and the most is %d", n, most)}
		}
		hs.c.ports = body
	default:
		return &Error{Op: "port description", Kind: ErrProtocol, Err: fmt.Errorf("the body is a %T", body)}
	}
	return nil
}

// failed returns the error of a request with the name of the step that the
// request was for.
func (hs *handshake) failed(op string, err error) error {
	if e, ok := errors.AsType[*Error](err); ok {
		return &Error{Op: op, Kind: e.Kind, Err: e.Err}
	}
	return &Error{Op: op, Kind: ErrProtocol, Err: err} // the switch refused
}

// abandon closes everything after a failure and returns the error. A last
// message to the peer is written first.
func (hs *handshake) abandon(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		err = contextError("handshake", ctx)
	}
	if hs.c == nil {
		hs.nc.Close()
		return err
	}
	hs.c.shutdown(err)
	hs.c.loops.Wait()
	return err
}

// keepAlive notices a switch that is gone even where nothing is sent.
var keepAlive = net.KeepAliveConfig{Enable: true, Idle: 15 * time.Second, Interval: 5 * time.Second, Count: 3}
