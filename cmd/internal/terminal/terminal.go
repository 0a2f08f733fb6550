// Package terminal asks people questions: it reads lines, and passwords without
// showing them.
package terminal

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/mattn/go-isatty"
)

// maxLine bounds a line that is read; no password is longer.
const maxLine = 64 << 10

// Is reports whether v is a file that is a terminal.
func Is(v any) bool {
	f, ok := v.(*os.File)
	return ok && isatty.IsTerminal(f.Fd())
}

// Line reads one line without its end. It reads no further, so that what
// follows is left for others.
func Line(in io.Reader) (string, error) {
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

// Password reads one line. On a terminal it prompts on out and does not show
// what is typed.
func Password(in io.Reader, out io.Writer, prompt string) (string, error) {
	if !Is(in) {
		return Line(in)
	}
	restore, err := hide(in.(*os.File))
	if err != nil {
		return "", fmt.Errorf("the password cannot be hidden on this terminal: %w", err)
	}
	defer restore()
	fmt.Fprint(out, prompt)
	defer fmt.Fprintln(out) // the newline typed was not shown either
	return Line(in)
}

// Confirm asks a question and reports whether the answer is yes.
func Confirm(in io.Reader, out io.Writer, question string) bool {
	fmt.Fprintf(out, "%s [y/N] ", question)
	answer, err := bufio.NewReader(in).ReadString('\n')
	answer = strings.ToLower(strings.TrimSpace(answer))
	return err == nil && (answer == "y" || answer == "yes")
}

// Clean replaces what could command a terminal in text that came from elsewhere.
func Clean(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 || r == 0x2028 || r == 0x2029 || r >= 0x202a && r <= 0x202e {
			return '?'
		}
		return r
	}, s)
}
