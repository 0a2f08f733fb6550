package channel

import (
	"crypto/tls"
	"log/slog"
	"time"
)

// A Config says how connections are kept. The zero value is usable: every field
// has a default.
type Config struct {
	// Log receives what cannot be returned to a caller. Default: nothing is
	// logged.
	Log *slog.Logger
	// TLS, where set, is the server's side of TLS (§6.3.3). Its ClientAuth and
	// ClientCAs decide whether switches must present a certificate. Nil means
	// TCP.
	TLS *tls.Config
	// HandshakeTimeout is how long TLS, hello, features and port description
	// may take together. Default: 10 s.
	HandshakeTimeout time.Duration
	// EchoInterval is how long a switch may be silent before it is sent an echo
	// request (§6.4). Default: 5 s.
	EchoInterval time.Duration
	// EchoTimeout is how long a switch may be silent, or read nothing of what
	// is written to it, before it is dropped. Any well-formed message that was
	// received counts as life. Default: 15 s.
	EchoTimeout time.Duration
	// MaxMultipart is how many bytes of memory all parts of one multipart reply
	// may take together; see [openflow.MultipartReply.Footprint]. Default: 64
	// MiB.
	MaxMultipart int
	// MaxUnread is how many bytes of memory may be taken by what a switch has
	// sent and what is not handed on yet, such as the parts of unfinished
	// replies. A connection that passes it ends with ErrTooLarge. Default: 64
	// MiB.
	MaxUnread int
	// MaxUnreadAll is the same for all connections of a listener together. If
	// it is passed, the largest connection of the address that holds most ends.
	// Default: 96 MiB.
	MaxUnreadAll int
	// MaxPorts is how many ports a switch may have. Default: 4,096.
	MaxPorts int
	// SendQueue is how many bytes may wait for a slow switch. At half of it
	// packet-outs are refused with ErrBusy, at three quarters urgent ones, at
	// the whole everything else. Commits are not counted, since they are
	// encoded only as they are written. Default: 1 MiB.
	SendQueue int
	// MaxHandshakes is how many connections may be in the handshake at once.
	// Beyond that the network address with most gives way to others, and the
	// silent to those that come. Default: 512.
	MaxHandshakes int

	memory *memory // what all connections with this configuration share
}

// withDefaults returns the configuration with every unset field at its default.
func (c Config) withDefaults() Config {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	setDefault(&c.HandshakeTimeout, 10*time.Second)
	setDefault(&c.EchoInterval, 5*time.Second)
	setDefault(&c.EchoTimeout, 15*time.Second)
	setDefault(&c.MaxMultipart, 64<<20)
	setDefault(&c.SendQueue, 1<<20)
	setDefault(&c.MaxHandshakes, 512)
	setDefault(&c.MaxUnread, 64<<20)
	setDefault(&c.MaxUnreadAll, 96<<20)
	setDefault(&c.MaxPorts, 4096)
	if c.memory == nil {
		c.memory = newMemory(c.MaxUnread, c.MaxUnreadAll)
	}
	return c
}

func setDefault[T ~int | ~int64](v *T, d T) {
	if *v <= 0 {
		*v = d
	}
}
