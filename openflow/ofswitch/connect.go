package ofswitch

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Connect dials a controller and serves the connection in the background until
// ctx ends or Disconnect. It returns when the hellos have been exchanged.
func (s *Switch) Connect(ctx context.Context, addr string) error {
	c, err := s.dial(ctx, addr)
	if err != nil {
		return err
	}
	failed := make(chan error, 1)
	go func() {
		defer context.AfterFunc(ctx, c.close)()
		failed <- c.serve()
	}()
	select {
	case <-c.upCh:
		return nil
	case err := <-failed:
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		return fmt.Errorf("ofswitch: handshake with %s: %w", addr, err)
	}
}

var errRefused = errors.New("ofswitch: connections are refused")

func (s *Switch) dial(ctx context.Context, addr string) (*conn, error) {
	s.mu.Lock()
	refuse := s.faults.Refuse
	s.mu.Unlock()
	if refuse {
		return nil, errRefused
	}
	nc, err := s.cfg.Dial(ctx, addr)
	if err != nil {
		return nil, err
	}
	return s.newConn(nc), nil
}

// Run keeps the switch connected to a controller: it dials, serves, and dials
// again with back-off, until ctx ends. It returns the context's error.
func (s *Switch) Run(ctx context.Context, addr string) error {
	const first = 50 * time.Millisecond
	pause := first
	for ctx.Err() == nil {
		c, err := s.dial(ctx, addr)
		if err == nil {
			stop := context.AfterFunc(ctx, c.close)
			c.serve()
			stop()
			select {
			case <-c.upCh:
				pause = first
			default:
			}
		}
		t := time.NewTimer(pause)
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
		}
		pause = min(2*pause, s.cfg.Backoff)
	}
	return ctx.Err()
}

// Disconnect closes the connections to controllers. Run will dial again.
func (s *Switch) Disconnect() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		c.close()
	}
}

// Connected reports whether a connection to a controller has completed its
// hellos.
func (s *Switch) Connected() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.up > 0
}

// WaitConnected waits until Connected, or ctx ends.
func (s *Switch) WaitConnected(ctx context.Context) error {
	for {
		s.mu.Lock()
		up, changed := s.up, s.upChanged
		s.mu.Unlock()
		if up > 0 {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
