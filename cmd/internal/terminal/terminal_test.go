package terminal

import (
	"bytes"
	"strings"
	"testing"
)

func TestLine(t *testing.T) {
	for in, want := range map[string]string{
		"": "", "secret": "secret", "secret\n": "secret", "secret\r\nnext\n": "secret", "\nnext": "", " a b \n": " a b ",
	} {
		if got, err := Password(strings.NewReader(in), nil, "never shown"); err != nil || got != want {
			t.Errorf("%q: got %q, %v", in, got, err)
		}
	}
	if _, err := Line(strings.NewReader(strings.Repeat("a", maxLine+1))); err == nil {
		t.Error("an endless line is read")
	}
	in := strings.NewReader("one\ntwo\n")
	Line(in)
	if got, _ := Line(in); got != "two" {
		t.Errorf("the second line is %q", got)
	}
}

func TestConfirm(t *testing.T) {
	for in, want := range map[string]bool{"y\n": true, "Yes\n": true, "n\n": false, "\n": false, "": false, "yesno\n": false} {
		var out bytes.Buffer
		if got := Confirm(strings.NewReader(in), &out, "Sure?"); got != want || out.String() != "Sure? [y/N] " {
			t.Errorf("%q: got %t after %q", in, got, out.String())
		}
	}
}

func TestClean(t *testing.T) {
	if got, want := Clean("a\x1b[31mb\nc\u009bd\u202eé 世"), "a?[31mb?c?d?é 世"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
