package openflow

import (
	"errors"
	"testing"
)

var helloSamples = []sample{
	{"hello", NewHello(Version)},
	{"hello without elements", &Hello{}},
	{"hello of two words", NewHello(1, 4, 40)},
	{"hello with an unknown element", &Hello{Elements: []HelloElement{
		{Type: 7, Data: []byte("abc")}, {Type: HelloVersionBitmap, Bitmap: []uint32{0x30}},
	}}},
}

func TestHelloSupports(t *testing.T) {
	tests := []struct {
		name   string
		hello  *Hello
		header uint8
		v      uint8
		want   bool
	}{
		{"bitmap has it", NewHello(1, 4), 5, 4, true},
		{"bitmap lacks it", NewHello(1, 5), 5, 4, false},
		{"beyond the bitmap", NewHello(4), 4, 64, false},
		{"header is higher", &Hello{}, 5, 4, true},
		{"header is lower", &Hello{}, 1, 4, false},
	}
	for _, test := range tests {
		if got := test.hello.Supports(test.header, test.v); got != test.want {
			t.Errorf("%s: %t, want %t", test.name, got, test.want)
		}
	}
}

// Open vSwitch offers OpenFlow 1.3 and 1.4 like this: a header of version 5.
func TestHelloOfLaterVersion(t *testing.T) {
	h, m, err := Parse([]byte{5, 0, 0, 16, 0, 0, 0, 1, 0, 1, 0, 8, 0, 0, 0, 0x30})
	if err != nil {
		t.Fatal(err)
	}
	if !m.(*Hello).Supports(h.Version, Version) {
		t.Error("does not support 1.3")
	}
}

func TestHelloOfEarlierVersion(t *testing.T) {
	_, m, err := Parse([]byte{1, 0, 0, 11, 0, 0, 0, 1, 'o', 'l', 'd'})
	if err != nil || len(m.(*Hello).Elements) != 0 {
		t.Errorf("%v, %v: the body should be ignored", m, err)
	}
}

func TestHelloRefuses(t *testing.T) {
	for name, b := range map[string][]byte{
		"element of 3 bytes":     {4, 0, 0, 16, 0, 0, 0, 1, 0, 1, 0, 3, 0, 0, 0, 0},
		"bitmap of a half word":  {4, 0, 0, 16, 0, 0, 0, 1, 0, 1, 0, 6, 0, 0, 0, 0},
		"element beyond the end": {4, 0, 0, 16, 0, 0, 0, 1, 0, 1, 0, 9, 0, 0, 0, 0},
		"padding is missing":     {4, 0, 0, 12, 0, 0, 0, 1, 0, 1, 0, 4},
	} {
		var pe *ParseError
		if _, _, err := Parse(b); !errors.As(err, &pe) {
			t.Errorf("%s: %v, want a ParseError", name, err)
		}
	}
}
