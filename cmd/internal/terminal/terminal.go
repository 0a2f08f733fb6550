// Package terminal asks people questions: it reads lines, and passwords without
// showing them.
package terminal

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/mattn/go-isatty"
)

// maxLine is the most bytes of a line that is read.
const maxLine = 64 << 10

// Is reports whether v is a file that is a terminal.
func Is(v any) bool {
	f, ok := v.(*os.File)
	return ok && isatty.IsTerminal(f.Fd())
}

// Line reads one line without its end. It reads no further than the line's end.
// When ctx ends it returns the cause; what is typed then is lost.
func Line(ctx context.Context, in io.Reader) (string, error) {
	type read struct {
		line string
		err  error
	}
	done := make(chan read, 1)
	go func() {
		line, err := readLine(in)
		done <- read{line, err}
	}()
	select {
	case r := <-done:
		return r.line, r.err
	case <-ctx.Done():
		return "", context.Cause(ctx)
	}
}

func readLine(in io.Reader) (string, error) {
	var line []byte
	for b := make([]byte, 1); len(line) < maxLine; {
		n, err := in.Read(b)
		if n == 1 {
			if b[0] == '\n' {
				return strings.TrimSuffix(string(line), "\r"), nil
			}
			line = append(line, b[0])
		}
		if errors.Is(err, io.EOF) {
			return string(line), nil
		}
		if err != nil {
			return "", err
		}
	}
	return "", errors.New("the line is too long")
}

// Password reads one line, as [Line] does. On a terminal it prompts on out and
// does not show what is typed; before it returns the terminal is as it was.
func Password(ctx context.Context, in io.Reader, out io.Writer, prompt string) (string, error) {
	if !Is(in) {
		return Line(ctx, in)
	}
	restore, err := hide(in.(*os.File))
	if err != nil {
		return "", fmt.Errorf("the password cannot be hidden on this terminal: %w", err)
	}
	defer restore()
	fmt.Fprint(out, prompt)
	defer fmt.Fprintln(out) // the newline typed was not shown either
	return Line(ctx, in)
}

// Confirm asks a question and reports whether the answer is yes. Its errors are
// those of [Line].
func Confirm(ctx context.Context, in io.Reader, out io.Writer, question string) (bool, error) {
	fmt.Fprintf(out, "%s [y/N] ", question)
	answer, err := Line(ctx, in)
	answer = strings.ToLower(strings.TrimSpace(answer))
	return answer == "y" || answer == "yes", err
}

// Clean replaces what could command a terminal in text that came from
// elsewhere.
func Clean(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 || r == 0x2028 || r == 0x2029 || r >= 0x202a && r <= 0x202e {
			return '?'
		}
		return r
	}, s)
}
