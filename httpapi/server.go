package httpapi

import (
	"crypto/tls"
	"log/slog"
	"net/http"
	"time"
)

// NewServer is an HTTP server with limits that a slow or hostile client cannot
// stretch. With tlsConfig, serve it with ServeTLS and no file names.
func NewServer(h http.Handler, tlsConfig *tls.Config, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           h,
		TLSConfig:         tlsConfig,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       30 * time.Second,
		WriteTimeout:      60 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    32 << 10,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug), // handshakes that fail, mostly
	}
}
