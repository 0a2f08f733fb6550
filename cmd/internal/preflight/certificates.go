package preflight

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io/fs"
	"net"
	"net/netip"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"conga/cmd/internal/config"
	"conga/httpapi/serve"
)

// Soon is how long before its end a certificate is warned of.
const Soon = 14 * 24 * time.Hour

// Certificates returns what is wrong at now with the certificates, keys and
// authorities that c names, and with the pair that congad has made for itself.
// It reads files only.
func Certificates(c config.Config, now time.Time) []Finding {
	f := certificates{now: now}
	switch tls := c.API.TLS; {
	case c.API.Plaintext != config.TLSOnly:
	case tls.Cert == "":
		f.selfSigned(c.Data)
	default:
		if leaf := f.pair("api.tls", tls.Cert, tls.Key); leaf != nil {
			f.hosts("api.tls.cert", tls.Cert, leaf, namedHosts(c.API))
		}
	}
	if tls := c.OpenFlow.TLS; tls.Cert != "" {
		f.pair("openflow.tls", tls.Cert, tls.Key)
		if tls.ClientCA != "" {
			f.authority("openflow.tls.client_ca", tls.ClientCA)
		}
	}
	return f.list
}

// A certificates collects what is wrong with certificates at a time.
type certificates struct {
	list
	now time.Time
}

// pair checks a certificate and its key, whose configuration is below section.
// It returns the certificate, nil if there is none that can be read.
func (f *certificates) pair(section, certFile, keyFile string) *x509.Certificate {
	leaf, certText := f.chain(section+".cert", certFile)
	keyText, err := readFile(keyFile, "the private key")
	if err != nil {
		f.refuse(section+".key", "%v", err)
		return leaf
	}
	if err := checkPrivateKey(keyText); err != nil {
		f.refuse(section+".key", "%s %v", keyFile, err)
		return leaf
	}
	if info, err := os.Stat(keyFile); err == nil && permissions(info)&0o004 != 0 {
		f.warn(section+".key", "every user of this machine may read %s; take that away with chmod o-r", keyFile)
	}
	if leaf == nil {
		return nil
	}
	if _, err := tls.X509KeyPair(certText, keyText); err != nil { // each can be read for itself
		f.refuse(section+".key", "%s is not the key of the certificate in %s; name the key that it was made with, and the server's certificate first in its file", keyFile, certFile)
	}
	return leaf
}

// chain checks the certificates of a server's file. It returns the first, which
// is the server's own, and the file's text; nil if it cannot be read.
func (f *certificates) chain(key, file string) (*x509.Certificate, []byte) {
	text, err := readFile(file, "the certificate")
	if err != nil {
		f.refuse(key, "%v", err)
		return nil, nil
	}
	blocks, err := certificateBlocks(text)
	if err != nil {
		f.refuse(key, "%s %v", file, err)
		return nil, nil
	}
	chain, damaged := parseCertificates(blocks)
	leaf := chain[0]
	if leaf == nil {
		f.refuse(key, "%s %v", file, damaged[0])
		return nil, nil
	}
	if f.now.After(leaf.NotAfter) {
		f.expired(key, "the certificate in %s has expired on %s; renew it", file, day(leaf.NotAfter))
	}
	f.each(key, file, chain, damaged, leaf)
	if uses := leaf.ExtKeyUsage; len(uses) > 0 && !slices.Contains(uses, x509.ExtKeyUsageServerAuth) && !slices.Contains(uses, x509.ExtKeyUsageAny) {
		f.warn(key, "the certificate in %s is not for servers, so that clients refuse it; have one made with the extended key usage serverAuth", file)
	}
	return leaf, text
}

// each warns of the certificates of a file that cannot be parsed, which TLS
// leaves to the other side or leaves out, and of the others' times. leaf is the
// server's own, nil if there is none.
func (f *certificates) each(key, file string, certs []*x509.Certificate, damaged []error, leaf *x509.Certificate) {
	for i, cert := range certs {
		if cert == nil {
			f.warn(key, "%s %v", file, damaged[i])
			continue
		}
		f.times(key, file, cert, cert == leaf)
	}
}

// times warns of a certificate that is not valid yet, that soon will be no
// longer, or that has expired and is not the server's own.
func (f *certificates) times(key, file string, cert *x509.Certificate, leaf bool) {
	switch left := cert.NotAfter.Sub(f.now); {
	case f.now.Before(cert.NotBefore):
		f.warn(key, "a certificate in %s is not valid before %s; see whether this machine's clock is right", file, cert.NotBefore.UTC().Format(time.RFC3339))
	case left < 0 && !leaf:
		f.warn(key, "a certificate of an authority in %s has expired on %s; put the present one there", file, day(cert.NotAfter))
	case left >= 0 && left < Soon:
		f.warn(key, "a certificate in %s expires on %s; renew it before", file, day(cert.NotAfter))
	}
}

func day(t time.Time) string { return t.UTC().Format(time.DateOnly) }

// authority checks the certificates by which those of clients are judged.
func (f *certificates) authority(key, file string) {
	text, err := readFile(file, "the authority's certificate")
	if err != nil {
		f.refuse(key, "%v", err)
		return
	}
	blocks, err := certificateBlocks(text)
	if err != nil {
		f.refuse(key, "%s %v", file, err)
		return
	}
	// As x509.CertPool does, which leaves out blocks with headers, too.
	blocks = slices.DeleteFunc(blocks, func(b *pem.Block) bool { return len(b.Headers) > 0 })
	all, damaged := parseCertificates(blocks)
	good := func(c *x509.Certificate) bool { return c != nil }
	switch {
	case len(all) == 0:
		f.refuse(key, "all certificates in %s have PEM headers, with which they are not taken; put them there without", file)
	case !slices.ContainsFunc(all, good):
		f.refuse(key, "%s %v", file, damaged[0])
	case !slices.ContainsFunc(all, func(c *x509.Certificate) bool { return good(c) && !f.now.After(c.NotAfter) }):
		f.expired(key, "all certificates in %s have expired, so that no switch could connect; put the present ones there", file)
	default:
		f.each(key, file, all, damaged, nil)
	}
}

// hosts warns of a certificate that is for none of the hosts.
func (f *certificates) hosts(key, file string, cert *x509.Certificate, hosts []string) {
	names := slices.Clone(cert.DNSNames)
	for _, ip := range cert.IPAddresses {
		names = append(names, ip.String())
	}
	switch {
	case len(names) == 0:
		f.warn(key, "the certificate in %s names no host, so that clients refuse it; have one made with a subject alternative name", file)
	case len(hosts) > 0 && !slices.ContainsFunc(hosts, func(h string) bool { return cert.VerifyHostname(h) == nil }):
		f.warn(key, "the certificate in %s is for %s and not for %s; have one made for that, or write in api.url where users reach congad",
			file, strings.Join(names, ", "), strings.Join(hosts, " or "))
	}
}

// namedHosts returns the hosts at which users reach the API as far as the
// configuration names them: that of api.url, and that of api.listen unless it
// means all of the machine's.
func namedHosts(c config.API) (hosts []string) {
	if u, err := url.Parse(c.URL); err == nil && u.Hostname() != "" {
		hosts = append(hosts, u.Hostname())
	}
	host, _, err := net.SplitHostPort(c.Listen)
	if addr, e := netip.ParseAddr(host); err == nil && host != "" && (e != nil || !addr.IsUnspecified()) {
		hosts = append(hosts, host)
	}
	return hosts
}

// selfSigned checks the pair that congad has made for itself in its data
// directory, if there is one. One that has expired is made anew at the start.
func (f *certificates) selfSigned(data string) {
	cert, key := serve.SelfSignedFiles(data)
	if _, err := os.Stat(cert); err != nil {
		return // it will be made, or the directory is what is wrong
	}
	const made = "the certificate that congad has made"
	certText, err := readFile(cert, made)
	if err != nil {
		f.refuse("data", "%v", err)
		return
	}
	if block, _ := pem.Decode(certText); block != nil {
		if leaf, err := x509.ParseCertificate(block.Bytes); err == nil && f.now.After(leaf.NotAfter) {
			return
		}
	}
	keyText, err := readFile(key, "the key of "+made)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		f.refuse("data", "%v", err)
		return
	}
	if _, err := tls.X509KeyPair(certText, keyText); err != nil {
		f.refuse("data", "%s and %s are no certificate with its key; delete both to have new ones made", cert, key)
	}
}
