package terminal

import (
	"io"
	"os"

	"golang.org/x/term"
)

// The size that is assumed of a screen that does not tell.
const (
	usualWidth  = 80
	usualHeight = 24
)

// Size returns how many columns and rows a terminal has.
func Size(out io.Writer) (width, height int) {
	if f, ok := out.(*os.File); ok {
		if w, h, err := term.GetSize(int(f.Fd())); err == nil && w > 0 && h > 0 {
			return w, h
		}
	}
	return usualWidth, usualHeight
}

// Keys returns what is typed at a terminal, key by key and without showing it,
// until restore is called, which gives the terminal back as it was. Ctrl-C is a
// key as well then. If in is no terminal there are no keys. A key that is being
// waited for when restore is called is lost.
func Keys(in io.Reader) (keys <-chan byte, restore func(), err error) {
	if !Is(in) {
		return nil, func() {}, nil
	}
	f := in.(*os.File)
	was, err := term.MakeRaw(int(f.Fd()))
	if err != nil {
		return nil, nil, err
	}
	typed := make(chan byte)
	ended := make(chan struct{})
	go func() {
		b := make([]byte, 1)
		for {
			if n, err := f.Read(b); err != nil || n == 0 {
				return
			}
			select {
			case typed <- b[0]:
			case <-ended:
				return
			}
		}
	}()
	return typed, func() { close(ended); _ = term.Restore(int(f.Fd()), was) }, nil
}
