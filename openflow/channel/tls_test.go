package channel

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"conga/openflow"
)

// authority makes certificates.
type authority struct {
	t    testing.TB
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pool *x509.CertPool
}

func newAuthority(t testing.TB) *authority {
	ca := &authority{t: t, pool: x509.NewCertPool()}
	made := ca.issue(&x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "CA"}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign,
	})
	ca.cert, ca.key = made.Leaf, made.PrivateKey.(*ecdsa.PrivateKey)
	ca.pool.AddCert(ca.cert)
	return ca
}

// issue signs a certificate, at first its own.
func (ca *authority) issue(template *x509.Certificate) tls.Certificate {
	ca.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		ca.t.Fatal(err)
	}
	template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	parent, signer := ca.cert, ca.key
	if parent == nil {
		parent, signer = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		ca.t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		ca.t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}

func (ca *authority) end(name string, use x509.ExtKeyUsage) tls.Certificate {
	return ca.issue(&x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: name}, ExtKeyUsage: []x509.ExtKeyUsage{use},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	})
}

// dialTLS connects with the certificates given and returns when TLS is set up.
func dialTLS(t testing.TB, l *Listener, ca *authority, certs ...tls.Certificate) *peer {
	t.Helper()
	nc, err := tls.Dial("tcp", l.Addr().String(), &tls.Config{RootCAs: ca.pool, Certificates: certs})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { nc.Close() })
	return &peer{t: t, nc: nc}
}

func TestTLS(t *testing.T) {
	ca := newAuthority(t)
	other := newAuthority(t)
	server := &tls.Config{
		Certificates: []tls.Certificate{ca.end("controller", x509.ExtKeyUsageServerAuth)},
		ClientCAs:    ca.pool,
		ClientAuth:   tls.RequireAndVerifyClientCert,
	}
	l := listen(t, Config{TLS: server, EchoInterval: 50 * time.Millisecond})

	none, wrong := dialTLS(t, l, ca), dialTLS(t, l, ca, other.end("stranger", x509.ExtKeyUsageClientAuth))
	for name, p := range map[string]*peer{"no certificate": none, "unknown authority": wrong} {
		if _, _, err := p.next(); err == nil {
			t.Errorf("%s: was accepted", name)
		}
	}
	plain := dial(t, l)
	plain.write(1, openflow.NewHello(4)) // no TLS at all; it is dropped
	silent := dial(t, l)
	defer silent.nc.Close()

	p := dialTLS(t, l, ca, ca.end("switch", x509.ExtKeyUsageClientAuth))
	go p.handshake()
	c := accept(t, l)

	// Keepalive depends on reads that time out; a large commit on writes in
	// pieces.
	for range 3 {
		h, _ := expect[*openflow.EchoRequest](p)
		p.write(h.XID, &openflow.EchoReply{})
	}
	const n = 5000
	k := c.Commit(flowMods(n))
	for got := 0; ; {
		h, m := p.read()
		switch m.(type) {
		case *openflow.FlowMod:
			got++
			continue
		case *openflow.EchoRequest:
			p.write(h.XID, &openflow.EchoReply{})
			continue
		}
		if got != n {
			t.Errorf("%d flow mods", got)
		}
		p.write(h.XID, &openflow.BarrierReply{})
		break
	}
	within(t, k.Done(), "commit")
	if k.Err() != nil {
		t.Error(k.Err())
	}
}

// Closing does not hang on a stalled TLS peer.
func TestTLSCloseStalled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ca, ln := newAuthority(t), newPipes()
		l := NewListener(ln, Config{TLS: &tls.Config{Certificates: []tls.Certificate{ca.end("c", x509.ExtKeyUsageServerAuth)}}})
		p := ln.dial(t)
		p.nc = tls.Client(p.nc, &tls.Config{RootCAs: ca.pool, ServerName: "127.0.0.1"})
		go p.handshake()
		c := accept(t, l)
		c.Commit(flowMods(100_000))
		synctest.Wait()
		start := time.Now()
		c.Close()
		c.loops.Wait()
		if d := time.Since(start); d > drainTimeout {
			t.Errorf("closing took %v", d)
		}
		l.Close()
	})
}
