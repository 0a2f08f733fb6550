package serve

import (
	"crypto/tls"
	"log/slog"
	"net/http"
	"time"

	"conga/httpapi/limits"
)

// http2Limits returns settings that bound what one connection may cost: the
// requests under way, and the bodies received and not yet read.
func http2Limits() *http.HTTP2Config {
	return &http.HTTP2Config{
		MaxConcurrentStreams:          32,
		MaxReadFrameSize:              16 << 10, // the minimum, as are the next two
		MaxReceiveBufferPerConnection: 64 << 10,
		MaxReceiveBufferPerStream:     64 << 10,
		SendPingTimeout:               30 * time.Second, // a stream of events may be silent though its client is there
		PingTimeout:                   15 * time.Second,
		WriteByteTimeout:              30 * time.Second,
	}
}

// NewServer returns an HTTP server with limits that a slow or hostile client
// cannot stretch. With tlsConfig, call ServeTLS without file names; the timeout
// for headers covers the handshake too.
func NewServer(h http.Handler, tlsConfig *tls.Config, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           h,
		TLSConfig:         tlsConfig,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       30 * time.Second,
		WriteTimeout:      60 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    32 << 10,
		HTTP2:             http2Limits(),
		ConnContext:       limits.WithConn,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug), // handshakes that fail, mostly
	}
}
