package openflow

import (
	"bytes"
	"encoding/hex"
	"strings"
	"testing"
)

// hexBytes reads hex digits with anything between that is none, such as spaces.
func hexBytes(t testing.TB, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.Join(strings.Fields(text), ""))
	if err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	return b
}

// foreign are messages in forms that other implementations send, or could:
// padding that is not zero, names with something behind their end, lists
// without entries, elements of odd lengths, what only they know.
var foreign = []struct{ name, hex string }{
	{"hello of OpenFlow 1.4 with both versions", "05000010 00000001 0001 0008 00000030"},
	{"hello of OpenFlow 1.0 with text", "01000013 00000001 65787472612064617461 0a"},
	{"hello with two bitmaps of two words", "04000020 12345678 0001000c0000000100000002 00000000 0001 0008 00000010"},
	{"hello with odd padding", "04000018 00000001 0001 000c 00000010 00000000 deadbeef"},
	{"hello with an unknown element", "04000018 00000001 ffff 0006 0101 abcd 0001 0008 00000010"},
	{"error of OpenFlow 1.0", "0101000c 00000001 0000 0000"},
	{"error with the start of a message of another version", "04010014 00000001 0001 0000 01 14 0008 00000009"},
	{"error of an unknown type", "0401000c 00000001 0063 0063"},
	{"error of an experimenter", "04010014 00000001 ffff 0002 005c16c7 61626364"},
	{"features reply with padding", "04060020 00000001 00000000000000ab 00000100 fe 00 1234 0000004f 00000000"},
	{"role request with padding", "04180018 00000001 00000002 cafe0000 0000000000000001"},
	{"port status with garbage behind the name", "040c0050 00000001 02 01020304050607 00000001 aabbccdd 0a0000000001 eeff " +
		"6574683100676172626167650000002a 00000000 00000004 00000000 00000000 00000000 00000000 00000000 00000000"},
	{"port mod with padding", "04100028 00000001 00000001 ffffffff 0a0000000001 ffff 00000001 00000001 00000000 ffffffff"},
	{"table mod with padding", "04110010 00000001 05 ffffff 00000003"},
	{"packet-in without data", "040a002a 00000001 ffffffff 0000 01 00 0000000000000001 0001000c 80000004 00000001 00000000 0000"},
	{"packet-in with an empty match", "040a0022 00000001 00000005 0064 00 03 ffffffffffffffff 0001 0004 00000000 0000"},
	{"packet-in with odd paddings", "040a002e 00000001 ffffffff 0004 01 00 0000000000000001 0001000c 80000004 00000001 11111111 2222 61626364"},
	{"packet-in with tunnel metadata", "040a004b 00000001 ffffffff 0001 00 00 0000000000000000 " +
		"0001 0030 80000004 00000001 00013e04 0a000001 00014004 0a000002 80004c08 0000000000000007 0001 5004 01020304 0000 61"},
	{"packet-out with padding", "040d0028 00000001 ffffffff fffffffd 0010 010203040506 00000010 00000001 ffff 060504030201"},
	{"packet-out with data and no actions", "040d001b 00000001 ffffffff 00000004 0000 000000000000 616263"},
	{"flow mod with every padding odd", "040e0068 00000001 0000000000000000 0000000000000000 00 00 0000 0000 8000 ffffffff ffffffff ffffffff 0000 abcd " +
		"0001 000a 80000a02 0800 112233445566 0001 0008 04 070707 0004 0020 01020304 0019 0010 80001001 2e 01020304050607 " +
		"0011 0008 8100 abcd"},
	{"flow mod with a masked in_port", "040e0048 00000001 fedcba9876543210 ff00ff00ff00ff00 03 00 0005 000a 1770 00000032 00000006 00000008 0000 0000 " +
		"0001 0010 80000108 00000004 00000005 0001 0008 04 000000"},
	{"flow mod with experimenter fields", "040e0068 00000001 0000000000000000 0000000000000000 00 00 0000 0000 8000 ffffffff ffffffff ffffffff 0000 0000 " +
		"0001 0032 ffff540e 4f4e4600 0000000112345678 0fff ffff010c 005c16c7 00000001 ffffffff 00030200 00030604 00000001 000000000000"},
	{"flow mod with a field of no bytes", "040e0040 00000001 0000000000000000 0000000000000000 00 00 0000 0000 8000 ffffffff ffffffff ffffffff 0000 0000 " +
		"0001 000c 00030200 00030400 00000000"},
	{"group mod with paddings", "040f0030 00000001 0000 01 ff 00000001 0020 0001 ffffffff ffffffff 99999999 0000 0010 00000002 ffff 000000000000"},
	{"group mod with an experimenter action", "040f0038 00000001 0000 00 00 00000001 0028 0000 ffffffff ffffffff 00000000 " +
		"ffff 0018 00002320 0006 0000 00001000 00000000 00000001"},
	{"meter mod with odd bands", "041d0048 00000001 0000 000e 00000064 0001 0010 000003e8 0000000a 11111111 0002 0010 000003e8 0000000a 01 222222 " +
		"ffff 0018 000003e8 0000000a 000003e7 0102030405060708"},
	{"queue configuration of odd lengths", "04170051 00000001 ffffffff 00000000 00000063 0000004d 0041 000000000000 0001 0010 00000000 000a 000000000000 " +
		"0002 0010 00000000 0384 000000000000 ffff 0011 00000000 000003e7 00000000 01"},
	{"table features with padded action IDs", "04130068 00000001 000c 0000 00000000 0058 00 0000000000 " +
		"7461626c65000000000000000000000000000000000000000000000000000000 ffffffffffffffff ffffffffffffffff 00000000 00000400 " +
		"0004 0014 0000 0008 00000000 0016 0008 00000000 00000000"},
	{"table features with experimenters", "04130078 00000001 000c 0000 00000000 0068 00 0000000000 " +
		"7461626c65000000000000000000000000000000000000000000000000000000 0000000000000000 0000000000000000 00000003 00000400 " +
		"fffe 0011 00002320 00000001 0102030405 00000000000000 0000 000c ffff 0008 00002320 ffffffff"},
	{"multipart reply without entries", "04130010 00000001 0001 0000 00000000"},
	{"multipart reply with padding", "04130010 00000001 0001 0001 12345678"},
	{"multipart request with padding", "04120018 00000001 0004 0000 00000000 ffffffff 12345678"},
	{"group description without buckets", "04130020 00000001 0007 0000 00000000 0008 03 01 00000001 0008 00 00 00000002"},
	{"meter features with padding", "04130020 00000001 000b 0000 00000000 00000010 00000006 0000000f 05 02 abcd"},
	{"experimenter multipart request", "0412001c 00000001 ffff 0000 00000000 4f4e4600 0000074e 01020304"},
	{"experimenter multipart reply", "04130018 00000001 ffff 0000 00000000 005c16c7 00000008"},
	{"experimenter without data", "04040010 00000001 00002320 0000000f"},
}

// TestForeign demands every byte of the foreign messages back.
func TestForeign(t *testing.T) {
	for _, f := range foreign {
		b := hexBytes(t, f.hex)
		_, m, err := Parse(b)
		if err != nil {
			t.Errorf("%s: %d bytes: %v", f.name, len(b), err)
			continue
		}
		checkSame(t, b, m)
	}
}

// TestAsSentIsGivenUp changes a field of a message with odd padding: then the
// fields alone count.
func TestAsSentIsGivenUp(t *testing.T) {
	odd := hexBytes(t, "04110010 00000001 05 ffffff 00000003")
	_, m, err := Parse(odd)
	if err != nil {
		t.Fatal(err)
	}
	mod := m.(*TableMod)
	if again := mustAppend(t, 9, mod); again[7] != 9 || !bytes.Equal(again[8:], odd[8:]) {
		t.Errorf("unchanged, with XID 9: %x", again)
	}
	mod.Table = 6
	if got, want := mustAppend(t, 1, mod), hexBytes(t, "04110010 00000001 06 000000 00000003"); !bytes.Equal(got, want) {
		t.Errorf("changed: %x, want %x", got, want)
	}
	mod.Table = 5
	if got := mustAppend(t, 1, &TableMod{Table: 5, Config: 3}); !bytes.Equal(got, hexBytes(t, "04110010 00000001 05 000000 00000003")) {
		t.Errorf("a message made from fields: %x", got)
	}
}

// TestAsSentAliasesNothing overwrites the bytes that were parsed.
func TestAsSentAliasesNothing(t *testing.T) {
	for _, f := range foreign {
		b := hexBytes(t, f.hex)
		before := bytes.Clone(b)
		_, m, err := Parse(b)
		if err != nil {
			continue // TestForeign says so
		}
		for i := range b {
			b[i] = 0xee
		}
		if again := mustAppend(t, 1, m); !bytes.Equal(again[8:], before[8:]) {
			t.Errorf("%s: what was parsed changes with the buffer", f.name)
		}
	}
}
