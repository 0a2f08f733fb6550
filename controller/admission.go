package controller

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"

	"conga/openflow"
	"conga/openflow/channel"
)

// Admission says which switches may connect. The zero value admits all.
type Admission struct {
	Listed bool // only those of List
	List   []ListedSwitch
}

// A ListedSwitch says by what a switch is known to be the one with its datapath
// ID.
type ListedSwitch struct {
	DPID        openflow.DPID
	Address     netip.Prefix // from which it connects; the zero value: any
	Certificate string       // see [ReadFingerprint]; "": any
}

// ReadFingerprint returns the SHA-256 fingerprint that a text is, in lower case
// and without colons, and whether it is one. A certificate that is named by
// another text is named by its subject's common name.
func ReadFingerprint(text string) (string, bool) {
	bare := strings.ToLower(strings.ReplaceAll(text, ":", ""))
	b, err := hex.DecodeString(bare)
	return bare, err == nil && len(b) == sha256.Size
}

// certified reports whether a certificate is the one that text names.
func certified(cert *x509.Certificate, text string) bool {
	if cert == nil {
		return false
	}
	if want, ok := ReadFingerprint(text); ok {
		sum := sha256.Sum256(cert.Raw)
		return hex.EncodeToString(sum[:]) == want
	}
	return cert.Subject.CommonName == text
}

var (
	errGivesWay    = errors.New("it has neither links nor hosts, and gives way to a switch that has")
	errUnlisted    = errors.New("it is not in openflow.switches.list")
	errAddress     = errors.New("it does not connect from the address that openflow.switches.list has for it")
	errCertificate = errors.New("it does not show the certificate that openflow.switches.list has for it")
)

// lists reports whether a switch is in the list.
func (a *Admission) lists(dpid openflow.DPID) bool {
	return slices.ContainsFunc(a.List, func(l ListedSwitch) bool { return l.DPID == dpid })
}

// judge returns why a switch with this datapath ID must not connect from addr
// with this certificate, or nil if it may. A switch that is listed must be as
// it is listed even where others may connect.
func (a *Admission) judge(dpid openflow.DPID, addr netip.Addr, cert *x509.Certificate) error {
	for _, l := range a.List {
		switch {
		case l.DPID != dpid:
		case l.Address.IsValid() && !l.Address.Contains(addr):
			return errAddress
		case l.Certificate != "" && !certified(cert, l.Certificate):
			return errCertificate
		default:
			return nil
		}
	}
	if a.Listed {
		return errUnlisted
	}
	for _, l := range a.List {
		if l.Certificate != "" && certified(cert, l.Certificate) {
			return fmt.Errorf("its certificate is that of switch %v", l.DPID)
		}
	}
	return nil
}

// A Refusal is that a connection was closed because its peer may not be the
// switch that it says it is.
type Refusal struct {
	DPID    openflow.DPID
	Address string // of the peer
	Reason  string // a part of a sentence about the peer
}

// SetAdmission changes which switches may connect. Those that are connected and
// may not are disconnected; one that was refused and may now is let in when it
// tries again.
func (c *Controller) SetAdmission(a Admission) {
	c.admission.Store(&a)
	c.post(context.Background(), readmission{})
}

// readmission: which switches may connect has changed.
type readmission struct{}

func (readmission) apply(k *core) {
	for _, p := range k.peers {
		if p.session.conn.Err() == nil {
			k.admit(p.session.conn)
		}
	}
}

// admit reports whether the switch at the other end may connect, and closes the
// connection if not.
func (c *Controller) admit(conn *channel.Conn) bool {
	err := c.admission.Load().judge(conn.DPID(), addrOf(conn.RemoteAddr()), conn.Certificate())
	if err == nil {
		return true
	}
	c.refuse(conn, err)
	return false
}

// refuse closes a connection, and tells of it.
func (c *Controller) refuse(conn *channel.Conn, why error) {
	conn.Close()
	addr := conn.RemoteAddr().String()
	c.log.Warn("switch refused", "dpid", conn.DPID(), "remote", addr, "err", why)
	if c.cfg.Refused != nil {
		c.cfg.Refused(Refusal{conn.DPID(), addr, why.Error()})
	}
}

// addrOf returns the address of a peer; the zero value if it has none.
func addrOf(a net.Addr) netip.Addr {
	ap, err := netip.ParseAddrPort(a.String())
	if err != nil {
		return netip.Addr{}
	}
	return ap.Addr().Unmap().WithZone("")
}
