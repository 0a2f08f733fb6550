package wire

import (
	"crypto/tls"
	"io"
	"net"
	"os"
	"syscall"
)

// A Socket reads and writes a TCP connection by its file descriptor. Methods do
// not block unless they say so.
type Socket struct {
	raw syscall.RawConn // nil: the transport is another one

	in      *Frames
	tryRead func(fd uintptr) bool
	err     error

	out      []byte
	tryWrite func(fd uintptr)
	n        int
}

// Bind makes s the socket of nc, from which in is filled, and reports whether
// nc has one, which TCP connections have. One goroutine at a time may fill, and
// one at a time may write.
func (s *Socket) Bind(nc net.Conn, in *Frames) bool {
	tcp, ok := nc.(*net.TCPConn)
	if !ok {
		return false
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return false
	}
	s.raw, s.in = raw, in
	s.tryRead, s.tryWrite = s.read, s.send // what a read or a write would otherwise allocate
	return true
}

// Bound reports whether Bind has found a socket.
func (s *Socket) Bound() bool { return s.raw != nil }

// Fill does what [Frames.Fill] does, from the socket. It blocks until there is
// something, and holds no empty buffer while it does.
func (s *Socket) Fill() error {
	if err := s.raw.Read(s.tryRead); err != nil {
		return err
	}
	return s.err
}

// read reads once, and reports whether there was something: bytes, or an error.
func (s *Socket) read(fd uintptr) bool {
	f := s.in
	f.makeRoom(true)
	n, err := read(int(fd), f.buf[f.end:])
	for err == syscall.EINTR {
		n, err = read(int(fd), f.buf[f.end:])
	}
	if n > 0 {
		f.end += n
		s.err = nil
		return true
	}
	if f.Rest() == 0 {
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

// Write writes what it can of b without blocking, and returns how many bytes.
// It hides errors: a write that blocks meets them too.
func (s *Socket) Write(b []byte) int {
	s.out, s.n = b, 0
	err := s.raw.Control(s.tryWrite)
	s.out = nil
	if err != nil {
		return 0
	}
	return max(s.n, 0)
}

func (s *Socket) send(fd uintptr) { s.n, _ = write(int(fd), s.out) }

// Readable reports whether there is something to be read from nc, the end
// included. Only if there is not is silence the peer's fault.
func Readable(nc net.Conn) bool {
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
