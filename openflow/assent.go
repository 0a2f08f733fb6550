package openflow

import (
	"bytes"
	"encoding/binary"
)

// asSent is embedded by the messages in which bytes can differ that no field
// shows: padding that is not zero, what follows the end of a name, the whole
// body of a hello of an older version, the version of a hello or an error.
// Parse keeps such a message's bytes, and Append writes them again as long as
// no field was changed. Nearly every message has no such bytes and keeps
// nothing.
type asSent struct{ kept *original }

// An original is a message that its fields do not tell wholly.
type original struct {
	plain []byte // what the fields alone are written as
	sent  []byte // what was read
}

// A keeper is a message that embeds asSent.
type keeper interface {
	original() *original
	keep(o *original)
}

func (a *asSent) original() *original { return a.kept }

func (a *asSent) keep(o *original) { a.kept = o }

// keepOriginal keeps b with m, which was just parsed from it.
func keepOriginal(m Message, b []byte) {
	k, ok := m.(keeper)
	if !ok {
		return
	}
	plain, err := Append(nil, 0, m)
	if err != nil {
		return // nothing that Parse accepts fails
	}
	sent := bytes.Clone(b)
	clear(sent[4:HeaderLen]) // the XID is not part of the message
	k.keep(&original{plain: plain, sent: sent})
}

// restore puts the bytes that were read in place of dst[start:], which were
// just written, if they are what the untouched message was written as.
func (o *original) restore(dst []byte, start int, xid uint32) []byte {
	if !bytes.Equal(dst[start+HeaderLen:], o.plain[HeaderLen:]) {
		return dst
	}
	dst = append(dst[:start], o.sent...)
	binary.BigEndian.PutUint32(dst[start+4:], xid)
	return dst
}
