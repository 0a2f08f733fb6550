package channel

import (
	"crypto/tls"
	"io"
	"net"
	"os"
	"syscall"
)

// A socket is a TCP connection by its file descriptor. What it does waits for nothing unless it says so.
type socket struct {
	raw syscall.RawConn // nil: the transport is another one

	in      *frames // of the reader, who alone reads
	tryRead func(fd uintptr) bool
	err     error

	out      []byte // of the one that has queue.direct, or of the writer
	tryWrite func(fd uintptr)
	n        int
}

// init binds the functions that a read or a write would otherwise allocate.
func (s *socket) init(nc net.Conn, in *frames) {
	tcp, ok := nc.(*net.TCPConn)
	if !ok {
		return
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return
	}
	s.raw, s.in = raw, in
	s.tryRead, s.tryWrite = s.read, s.send
}

// fill is [frames.fill] from the socket. It waits, and as long as it does no buffer is held that has nothing in it.
func (s *socket) fill() error {
	if err := s.raw.Read(s.tryRead); err != nil {
		return err
	}
	return s.err
}

// read reads once, and reports whether there was something: bytes, or an error.
func (s *socket) read(fd uintptr) bool {
	f := s.in
	f.makeRoom(true)
	n, err := syscall.Read(int(fd), f.buf[f.end:])
	for err == syscall.EINTR {
		n, err = syscall.Read(int(fd), f.buf[f.end:])
	}
	if n > 0 {
		f.end += n
		s.err = nil
		return true
	}
	if f.rest() == 0 {
		f.release()
	}
	switch err {
	case syscall.EAGAIN:
		return false
	case nil:
		s.err = io.EOF
	default:
		s.err = os.NewSyscallError("read", err)
	}
	return true
}

// write returns how much of b was written. Errors are left to whoever writes with waiting, who meets them too.
func (s *socket) write(b []byte) int {
	s.out, s.n = b, 0
	err := s.raw.Control(s.tryWrite)
	s.out = nil
	if err != nil {
		return 0
	}
	return max(s.n, 0)
}

func (s *socket) send(fd uintptr) { s.n, _ = syscall.Write(int(fd), s.out) }

// readable reports whether there is something to be read from nc, the end included. Silence is a peer's fault only
// if there is not.
func readable(nc net.Conn) bool {
	if t, ok := nc.(*tls.Conn); ok {
		nc = t.NetConn()
	}
	tcp, ok := nc.(*net.TCPConn)
	if !ok {
		return false
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return false
	}
	some := false
	raw.Control(func(fd uintptr) {
		var b [1]byte
		_, _, err := syscall.Recvfrom(int(fd), b[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		some = err != syscall.EAGAIN && err != syscall.EINTR
	})
	return some
}
