package wire

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"testing"
	"testing/iotest"
	"time"

	"conga/openflow"
)

// stream returns n messages of all lengths and the bytes that they are
// together.
func stream(t *testing.T, n int) (each [][]byte, all []byte) {
	t.Helper()
	r := rand.New(rand.NewPCG(1, 2))
	for i := range n {
		size := r.IntN(200)
		if i%50 == 7 {
			size = openflow.MaxLen - openflow.HeaderLen - r.IntN(3)
		}
		m, err := openflow.Append(nil, uint32(i), &openflow.EchoRequest{Data: make([]byte, size)})
		if err != nil {
			t.Fatal(err)
		}
		each, all = append(each, m), append(all, m...)
	}
	return each, all
}

// drain takes messages until fill fails, and compares them.
func drain(t *testing.T, f *Frames, fill func() error, want [][]byte) {
	t.Helper()
	for i := 0; ; {
		h, m, err := f.Next()
		if err != nil {
			t.Fatal(err)
		}
		if m != nil {
			if i >= len(want) || !bytes.Equal(m, want[i]) || int(h.Length) != len(m) {
				t.Fatalf("message %d of %d has %d bytes: %v", i, len(want), len(m), h)
			}
			i++
			continue
		}
		if err := fill(); err != nil {
			if err != io.EOF || i != len(want) || f.Rest() != 0 {
				t.Fatalf("%d of %d messages, then %v with %d bytes left", i, len(want), err, f.Rest())
			}
			return
		}
	}
}

// Messages come out as they went in, however the stream is cut.
func TestFrames(t *testing.T) {
	for name, test := range map[string]struct {
		messages int
		cut      func(io.Reader) io.Reader
	}{
		"at once":       {300, func(r io.Reader) io.Reader { return r }},
		"in halves":     {300, iotest.HalfReader},
		"by bytes":      {30, iotest.OneByteReader},
		"end with data": {300, iotest.DataErrReader},
	} {
		t.Run(name, func(t *testing.T) {
			each, all := stream(t, test.messages)
			r := test.cut(bytes.NewReader(all))
			var f Frames
			drain(t, &f, func() error { return f.Fill(r) }, each)
		})
	}
}

func TestFramesRefuse(t *testing.T) {
	var f Frames
	if err := f.Fill(bytes.NewReader([]byte{4, 2, 0, 7, 0, 0, 0, 1, 9})); err != nil {
		t.Fatal(err)
	}
	if _, _, err := f.Next(); !errors.Is(err, openflow.ErrLength) || len(f.Left()) != 9 {
		t.Errorf("%v, with %d bytes left", err, len(f.Left()))
	}
}

func tcpPair(t *testing.T) (a, b net.Conn) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	if b, err = net.Dial("tcp", ln.Addr().String()); err != nil {
		t.Fatal(err)
	}
	if a, err = ln.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close(); b.Close() })
	return a, b
}

// A socket fills as a reader does, and holds no buffer while it waits.
func TestSocket(t *testing.T) {
	each, all := stream(t, 300)
	a, b := tcpPair(t)
	var f Frames
	var s Socket
	if !s.Bind(a, &f) || !s.Bound() {
		t.Fatal("a TCP connection has no socket")
	}
	a.SetReadDeadline(time.Now().Add(time.Millisecond))
	if err := s.Fill(); !errors.Is(err, os.ErrDeadlineExceeded) || f.buf != nil {
		t.Fatalf("%v, with a buffer of %d bytes", err, len(f.buf))
	}
	a.SetReadDeadline(time.Time{})
	go func() {
		r := rand.New(rand.NewPCG(3, 4))
		for rest := all; len(rest) > 0; {
			n := min(len(rest), 1+r.IntN(100_000))
			b.Write(rest[:n])
			rest = rest[n:]
		}
		b.Close()
	}()
	drain(t, &f, s.Fill, each)
}

// Write writes what there is room for, and nothing to a connection that is
// closed.
func TestSocketWrite(t *testing.T) {
	a, b := tcpPair(t)
	var s Socket
	s.Bind(a, &Frames{})
	a.SetWriteDeadline(time.Unix(1, 0)) // which is for others
	if n := s.Write([]byte("hello")); n != 5 {
		t.Errorf("wrote %d bytes", n)
	}
	got := make([]byte, 5)
	if _, err := io.ReadFull(b, got); err != nil || string(got) != "hello" {
		t.Errorf("read %q, %v", got, err)
	}
	big := make([]byte, 64<<20)
	if n := s.Write(big); n <= 0 || n >= len(big) {
		t.Errorf("wrote %d bytes to a peer that does not read", n)
	}
	for i := 0; s.Write(big) > 0; i++ { // what is under way arrives and makes room
		if i > 1000 {
			t.Fatal("there is always room")
		}
	}
	a.Close()
	if n := s.Write([]byte("hello")); n != 0 {
		t.Errorf("wrote %d bytes to a closed connection", n)
	}
	x, y := net.Pipe()
	defer x.Close()
	defer y.Close()
	if s := new(Socket); s.Bind(x, &Frames{}) || s.Bound() {
		t.Error("a pipe has a socket")
	}
}

func TestReadable(t *testing.T) {
	a, b := tcpPair(t)
	if Readable(a) {
		t.Error("there is something to read before anything was written")
	}
	b.Write([]byte{1})
	for !Readable(a) { // loopback is not instant
	}
	if n, err := a.Read(make([]byte, 10)); n != 1 || err != nil || Readable(a) {
		t.Errorf("%d bytes, %v, or something is left", n, err)
	}
	b.Close()
	for !Readable(a) { // the end is something to read
	}
	x, y := net.Pipe()
	defer x.Close()
	defer y.Close()
	if Readable(x) {
		t.Error("nothing is known of a pipe")
	}
}

// What a connection keeps of its buffers is small, and what it was lent goes
// back.
func TestBuffers(t *testing.T) {
	small := append([]byte(nil), "abc"...)
	if got := Emptied(small); cap(got) != cap(small) || len(got) != 0 {
		t.Error("a small buffer is kept")
	}
	if Emptied(Lend()) != nil || Emptied(make([]byte, 0, 2*ownSize)) != nil {
		t.Error("a large buffer is not kept")
	}
	if got := Roomy(small); &got[0] != &small[0] {
		t.Error("a short message was copied")
	}
	long := bytes.Repeat([]byte{7}, ownSize/2)
	got := Roomy(long)
	if cap(got) != BufferSize || !bytes.Equal(got, long) {
		t.Errorf("a buffer that fills up becomes one of %d bytes", cap(got))
	}
	if again := Roomy(got); &again[0] != &got[0] {
		t.Error("a large buffer was copied")
	}
}
