package terminal

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
)

func TestLine(t *testing.T) {
	for in, want := range map[string]string{
		"": "", "secret": "secret", "secret\n": "secret", "secret\r\nnext\n": "secret", "\nnext": "", " a b \n": " a b ",
	} {
		if got, err := Password(t.Context(), strings.NewReader(in), nil, "never shown"); err != nil || got != want {
			t.Errorf("%q: got %q, %v", in, got, err)
		}
	}
	if _, err := Line(t.Context(), strings.NewReader(strings.Repeat("a", maxLine+1))); err == nil {
		t.Error("an endless line is read")
	}
	in := strings.NewReader("one\ntwo\n")
	_, _ = Line(t.Context(), in)
	if got, _ := Line(t.Context(), in); got != "two" {
		t.Errorf("the second line is %q", got)
	}
}

// The end of the context ends the question.
func TestEndedQuestion(t *testing.T) {
	enough := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	in, out := io.Pipe()
	defer out.Close()
	cancel(enough)
	if _, err := Confirm(ctx, in, io.Discard, "Sure?"); !errors.Is(err, enough) {
		t.Error(err)
	}
	if _, err := Password(ctx, in, io.Discard, ""); !errors.Is(err, enough) {
		t.Error(err)
	}
}

func TestConfirm(t *testing.T) {
	for in, want := range map[string]bool{"y\n": true, "Yes\n": true, "n\n": false, "\n": false, "": false, "yesno\n": false} {
		var out bytes.Buffer
		if got, err := Confirm(t.Context(), strings.NewReader(in), &out, "Sure?"); err != nil || got != want || out.String() != "Sure? [y/N] " {
			t.Errorf("%q: got %t after %q", in, got, out.String())
		}
	}
}

func TestClean(t *testing.T) {
	if got, want := Clean("a\x1b[31mb\nc\u009bd\u202eé 世"), "a?[31mb?c?d?é 世"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
