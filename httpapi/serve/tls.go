package serve

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// SelfSigned is the name of the certificate that the daemon makes, in its data
// folder.
const SelfSigned = "api.crt"

const (
	selfSignedKey  = "api.key"
	selfSignedName = "congad"
	// selfSignedLife is long because clients pin the certificate's fingerprint.
	selfSignedLife = 10 * 365 * 24 * time.Hour
)

// TLSFiles says where the API's certificate comes from.
type TLSFiles struct {
	Cert, Key string // PEM files; both empty: a self-signed pair in Dir
	Dir       string // the data folder, where that pair is created on first start

	// Hosts are names and addresses that a new self-signed pair is valid for,
	// besides those of every machine. An existing pair stays as it is.
	Hosts []string
}

// LoadTLS returns the API's TLS configuration and the certificate's
// fingerprint: its SHA-256 hash in hex with colons.
func LoadTLS(files TLSFiles) (cfg *tls.Config, fingerprint string, err error) {
	if (files.Cert == "") != (files.Key == "") {
		return nil, "", errors.New("serve: tls: a certificate needs its key, and a key its certificate")
	}
	if files.Cert == "" {
		files.Cert, files.Key = SelfSignedFiles(files.Dir)
		if err := ensureSelfSigned(files, time.Now()); err != nil {
			return nil, "", fmt.Errorf("serve: tls: %w", err)
		}
	}
	pair, err := tls.LoadX509KeyPair(files.Cert, files.Key)
	if err != nil {
		return nil, "", fmt.Errorf("serve: tls: %s and %s: %w", files.Cert, files.Key, err)
	}
	cfg = baseTLS()
	cfg.Certificates = []tls.Certificate{pair}
	return cfg, fingerprintOf(pair.Certificate[0]), nil
}

// SelfSignedFiles returns the files of the pair that the daemon makes in the
// data folder dir.
func SelfSignedFiles(dir string) (cert, key string) {
	return filepath.Join(dir, SelfSigned), filepath.Join(dir, selfSignedKey)
}

// fingerprintOf returns the fingerprint of a certificate in DER.
func fingerprintOf(der []byte) string {
	sum := sha256.Sum256(der)
	text := make([]string, len(sum))
	for i := range sum {
		text[i] = hex.EncodeToString(sum[i : i+1])
	}
	return strings.ToUpper(strings.Join(text, ":"))
}

// ensureSelfSigned creates a pair if there is none, or if it has expired.
func ensureSelfSigned(files TLSFiles, now time.Time) error {
	text, err := os.ReadFile(files.Cert)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return makeSelfSigned(files, now)
	case err != nil:
		return err
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return fmt.Errorf("%s holds no certificate; delete it to have a new one made", files.Cert)
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return fmt.Errorf("%s: %w; delete it to have a new one made", files.Cert, err)
	}
	if now.After(cert.NotAfter) {
		return makeSelfSigned(files, now)
	}
	return nil
}

// Made returns the name of the self-signed certificate that was created in dir,
// or "" if there is none. One of another maker is none, and nor is a key alone,
// which does not say whose it is.
func Made(dir string) string {
	text, err := os.ReadFile(filepath.Join(dir, SelfSigned))
	block, _ := pem.Decode(text)
	if err != nil || block == nil {
		return ""
	}
	if cert, err := x509.ParseCertificate(block.Bytes); err != nil || cert.Subject.CommonName != selfSignedName {
		return ""
	}
	return SelfSigned
}

// makeSelfSigned creates a pair. It writes the key first, so that a certificate
// never lacks its key.
func makeSelfSigned(files TLSFiles, now time.Time) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	template := selfSignedTemplate(now, files.Hosts)
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return err
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	if err := writePEM(files.Key, "PRIVATE KEY", keyDER, 0o600); err != nil {
		return err
	}
	return writePEM(files.Cert, "CERTIFICATE", der, 0o644)
}

// selfSignedTemplate returns a certificate for this machine and hosts.
func selfSignedTemplate(now time.Time, hosts []string) *x509.Certificate {
	all := []string{"localhost", "127.0.0.1", "::1"}
	if host, err := os.Hostname(); err == nil {
		all = append(all, host)
	}
	names, addrs := subjects(append(all, hosts...))
	serial, _ := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127)) // rand never fails
	return &x509.Certificate{
		SerialNumber:          serial,
		Subject:               pkix.Name{CommonName: selfSignedName},
		NotBefore:             now.Add(-time.Hour), // clients' clocks differ
		NotAfter:              now.Add(selfSignedLife),
		KeyUsage:              x509.KeyUsageDigitalSignature,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true,
		DNSNames:              names,
		IPAddresses:           addrs,
	}
}

// subjects returns the names and the addresses among hosts, each once. It
// leaves out what cannot be in a certificate.
func subjects(hosts []string) (names []string, addrs []net.IP) {
	seen := map[string]bool{}
	for _, host := range hosts {
		addr, err := netip.ParseAddr(host)
		if err == nil {
			addr = addr.Unmap().WithZone("")
			host = addr.String()
		}
		host = strings.ToLower(host)
		switch {
		case seen[host]:
		case err == nil:
			addrs = append(addrs, addr.AsSlice())
		case validDNSName(host):
			names = append(names, host)
		}
		seen[host] = true
	}
	return names, addrs
}

// validDNSName reports whether a certificate can name host.
func validDNSName(host string) bool {
	return host != "" && len(host) <= 253 && strings.Trim(host, "abcdefghijklmnopqrstuvwxyz0123456789-_.") == ""
}

// writePEM replaces the file at path atomically.
func writePEM(path, kind string, der []byte, mode os.FileMode) error {
	f, err := os.OpenFile(path+".new", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, mode)
	if err != nil {
		return err
	}
	err = errors.Join(f.Chmod(mode), pem.Encode(f, &pem.Block{Type: kind, Bytes: der}), f.Sync(), f.Close())
	if err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}
