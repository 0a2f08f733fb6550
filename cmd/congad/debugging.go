package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/pprof"
	"net/netip"
	"time"
)

// openDebugging listens for clients that want profiles, if the configuration
// says where.
func (d *daemon) openDebugging() (err error) {
	if d.cfg.Debug.Listen == "" {
		return nil
	}
	if d.debugging, err = net.Listen("tcp", d.cfg.Debug.Listen); err != nil {
		return fmt.Errorf("listen for debugging on %s: %w", d.cfg.Debug.Listen, err)
	}
	d.log.Info("listening for debugging", "url", "http://"+d.debugging.Addr().String()+"/debug/pprof/")
	return nil
}

// serveDebugging serves profiles until ctx ends.
func (d *daemon) serveDebugging(ctx context.Context) error {
	if d.debugging == nil {
		<-ctx.Done()
		return nil
	}
	server := &http.Server{Handler: profiles(), ReadHeaderTimeout: 10 * time.Second}
	context.AfterFunc(ctx, func() { server.Close() })
	if err := server.Serve(d.debugging); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// profiles returns the handler of Go's profiles. It answers only clients that
// name an address of the machine itself: the name of a web page's own host may
// have been made to mean this machine.
func profiles() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("POST /debug/pprof/symbol", pprof.Symbol)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host, _, err := net.SplitHostPort(r.Host)
		if err != nil {
			host = r.Host
		}
		if addr, err := netip.ParseAddr(host); host != "localhost" && (err != nil || !addr.IsLoopback()) {
			http.Error(w, "profiles are for this machine; ask 127.0.0.1 or localhost", http.StatusForbidden)
			return
		}
		mux.ServeHTTP(w, r)
	})
}
