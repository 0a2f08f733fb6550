package preflight

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"conga/cmd/internal/config"
	"conga/httpapi/serve"
)

var now = time.Date(2030, 5, 1, 12, 0, 0, 0, time.UTC)

// folder is a directory of files for one test.
type folder struct {
	t   *testing.T
	dir string
}

func newFolder(t *testing.T) folder {
	t.Helper()
	f := folder{t, t.TempDir()}
	if err := os.Chmod(f.dir, 0o700); err != nil {
		t.Fatal(err)
	}
	return f
}

// write writes a private file and returns its path.
func (f folder) write(name string, text []byte) string {
	f.t.Helper()
	path := filepath.Join(f.dir, name)
	if err := os.WriteFile(path, text, 0o600); err != nil {
		f.t.Fatal(err)
	}
	return path
}

// key returns a new key and its PEM text.
func (f folder) key() (*ecdsa.PrivateKey, []byte) {
	f.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		f.t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		f.t.Fatal(err)
	}
	return key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

// certificate returns the PEM text of a certificate for conga.example.org that
// is valid for a year, unless edit changes it, and of its key.
func (f folder) certificate(edit func(*x509.Certificate)) (cert, private []byte) {
	f.t.Helper()
	key, private := f.key()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"},
		NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(1, 0, 0),
		DNSNames: []string{"conga.example.org"}, IPAddresses: []net.IP{net.IPv4(192, 0, 2, 7)},
	}
	if edit != nil {
		edit(template)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		f.t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), private
}

// damaged returns a PEM block without the second half of what is in it.
func damaged(text []byte) []byte {
	block, _ := pem.Decode(text)
	block.Bytes = block.Bytes[:len(block.Bytes)/2]
	return pem.EncodeToMemory(block)
}

// expect compares findings with what each should begin with and hold, as
// "begin ... hold".
func expect(t *testing.T, name string, found []Finding, want ...string) {
	t.Helper()
	ok := len(found) == len(want)
	for i := 0; ok && i < len(want); i++ {
		begin, hold, _ := strings.Cut(want[i], " ... ")
		text := found[i].String()
		ok = strings.HasPrefix(text, begin) && strings.Contains(text, hold)
	}
	if !ok {
		t.Errorf("%s: found %q, want %q", name, found, want)
	}
}

// TestServerPairs: what can be wrong with a certificate and its key, each by
// itself.
func TestServerPairs(t *testing.T) {
	f := newFolder(t)
	good, key := f.certificate(nil)
	_, other := f.key()
	edited := func(edit func(*x509.Certificate)) [2][]byte {
		cert, private := f.certificate(edit)
		return [2][]byte{cert, private}
	}
	until := func(end time.Time) [2][]byte {
		return edited(func(c *x509.Certificate) { c.NotBefore, c.NotAfter = now.AddDate(-1, 0, 0), end })
	}
	old := until(now.AddDate(0, -1, 0))[0]
	for name, c := range map[string]struct {
		files [2][]byte // of the certificate and the key
		want  []string
	}{
		"good":                     {files: [2][]byte{good, key}},
		"no certificate":           {[2][]byte{[]byte("nonsense"), key}, []string{"api.tls.cert: ... holds no certificate"}},
		"empty":                    {[2][]byte{{}, {}}, []string{"api.tls.cert: ... holds no certificate", "api.tls.key: ... holds no private key"}},
		"exchanged":                {[2][]byte{key, good}, []string{"api.tls.cert: ... are exchanged", "api.tls.key: ... holds no private key"}},
		"cut off":                  {[2][]byte{good[:len(good)/2], key}, []string{"api.tls.cert: ... cut off"}},
		"damaged":                  {[2][]byte{damaged(good), key}, []string{"api.tls.cert: ... damaged in its certificate 1"}},
		"damaged key":              {[2][]byte{good, damaged(key)}, []string{"api.tls.key: ... damaged"}},
		"another's key":            {[2][]byte{good, other}, []string{"api.tls.key: ... is not the key of the certificate"}},
		"passphrase":               {[2][]byte{good, pem.EncodeToMemory(&pem.Block{Type: "ENCRYPTED PRIVATE KEY", Bytes: []byte{1}})}, []string{"api.tls.key: ... passphrase"}},
		"expired":                  {until(now.Add(-time.Second)), []string{"warning: api.tls.cert: ... has expired on 2030-05-01; renew it"}},
		"soon":                     {until(now.Add(Soon - time.Second)), []string{"warning: api.tls.cert: ... expires on 2030-05-15"}},
		"not so soon":              {files: until(now.Add(Soon))},
		"not yet":                  {edited(func(c *x509.Certificate) { c.NotBefore = now.Add(time.Hour) }), []string{"warning: api.tls.cert: ... clock"}},
		"a client's":               {edited(func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} }), []string{"warning: api.tls.cert: ... not for servers"}},
		"another host":             {edited(func(c *x509.Certificate) { c.DNSNames = []string{"www.example.org"} }), []string{"warning: api.tls.cert: ... for www.example.org, 192.0.2.7 and not for conga.example.org"}},
		"no host":                  {edited(func(c *x509.Certificate) { c.DNSNames, c.IPAddresses = nil, nil }), []string{"warning: api.tls.cert: ... names no host"}},
		"damaged intermediate":     {[2][]byte{append(append([]byte{}, good...), damaged(old)...), key}, []string{"warning: api.tls.cert: ... damaged in its certificate 2"}},
		"old intermediate":         {[2][]byte{append(append([]byte{}, good...), old...), key}, []string{"warning: api.tls.cert: ... of an authority in"}},
		"intermediate comes first": {[2][]byte{append(append([]byte{}, old...), good...), key}, []string{"warning: api.tls.cert: ... has expired", "api.tls.key: ... server's certificate first"}},
	} {
		cfg := config.Default()
		cfg.API.Listen, cfg.API.URL = ":8443", "https://conga.example.org"
		cfg.API.TLS = config.KeyPair{Cert: f.write("api.pem", c.files[0]), Key: f.write("api.key", c.files[1])}
		expect(t, name, Certificates(cfg, now), c.want...)
		cfg.API.Plaintext, cfg.API.TLS = config.Loopback, config.KeyPair{Cert: f.dir}
		expect(t, name+", plaintext", Certificates(cfg, now))
	}
}

// TestServerFiles: what can be wrong with files whatever is in them.
func TestServerFiles(t *testing.T) {
	f := newFolder(t)
	cert, key := f.certificate(nil)
	cfg := config.Default()
	cfg.API.Listen = "192.0.2.7:8443" // the certificate is for that, too
	cfg.API.TLS = config.KeyPair{Cert: filepath.Join(f.dir, "absent"), Key: f.dir}
	expect(t, "absent, and a directory", Certificates(cfg, now),
		"api.tls.cert: ... does not exist", "api.tls.key: ... is no regular file")
	cfg.API.TLS = config.KeyPair{Cert: f.write("api.pem", cert), Key: f.write("api.key", key)}
	expect(t, "good", Certificates(cfg, now))
	if err := os.Chmod(cfg.API.TLS.Key, 0o644); err != nil {
		t.Fatal(err)
	}
	expect(t, "open", Certificates(cfg, now), "warning: api.tls.key: ... chmod o-r")
}

// headed returns a PEM block with a header.
func headed(text []byte) []byte {
	block, _ := pem.Decode(text)
	block.Headers = map[string]string{"Friendly-Name": "test"}
	return pem.EncodeToMemory(block)
}

// TestSwitchAuthorities: what can be wrong with the authority of switches.
func TestSwitchAuthorities(t *testing.T) {
	f := newFolder(t)
	cert, key := f.certificate(nil)
	old, _ := f.certificate(func(c *x509.Certificate) { c.NotBefore, c.NotAfter = now.AddDate(-2, 0, 0), now.AddDate(-1, 0, 0) })
	soon, _ := f.certificate(func(c *x509.Certificate) { c.NotAfter = now.AddDate(0, 0, 3) })
	for name, c := range map[string]struct {
		text []byte
		want []string
	}{
		"good":         {text: cert},
		"nonsense":     {[]byte("nonsense"), []string{"openflow.tls.client_ca: ... no certificate"}},
		"all old":      {append(append([]byte{}, old...), old...), []string{"warning: openflow.tls.client_ca: ... no switch could connect"}},
		"one old":      {append(append([]byte{}, old...), cert...), []string{"warning: openflow.tls.client_ca: ... has expired on 2029-05-01"}},
		"soon to end":  {soon, []string{"warning: openflow.tls.client_ca: ... expires on 2030-05-04"}},
		"some damaged": {append(damaged(cert), cert...), []string{"warning: openflow.tls.client_ca: ... damaged in its certificate 1"}},
		"all damaged":  {damaged(cert), []string{"openflow.tls.client_ca: ... damaged in its certificate 1"}},
		"with headers": {append(headed(cert), cert...), nil},
		"only headers": {headed(cert), []string{"openflow.tls.client_ca: ... PEM headers"}},
		"a key, alone": {key, []string{"openflow.tls.client_ca: ... exchanged"}},
	} {
		cfg := config.Default()
		cfg.Data = f.dir
		cfg.OpenFlow.TLS = config.SwitchTLS{Cert: f.write("of.pem", cert), Key: f.write("of.key", key), ClientCA: f.write("ca.pem", c.text)}
		expect(t, name, Certificates(cfg, now), c.want...)
		cfg.OpenFlow.TLS.ClientCA = filepath.Join(f.dir, "absent")
		expect(t, name+", absent", Certificates(cfg, now), "openflow.tls.client_ca: ... does not exist")
	}
}

// TestSelfSigned: the pair that congad has made is checked if it is there, and
// none is made.
func TestSelfSigned(t *testing.T) {
	f := newFolder(t)
	cfg := config.Default()
	cfg.Data = f.dir
	expect(t, "none", Certificates(cfg, now))
	cfg.Data = filepath.Join(f.write("file", nil), "data")
	expect(t, "below a file", Certificates(cfg, now))
	cfg.Data = f.dir
	if _, _, err := serve.LoadTLS(serve.TLSFiles{Dir: f.dir}); err != nil {
		t.Fatal(err)
	}
	expect(t, "made", Certificates(cfg, now))
	cert, key := serve.SelfSignedFiles(f.dir)
	if err := os.WriteFile(key, []byte("nonsense"), 0o600); err != nil {
		t.Fatal(err)
	}
	expect(t, "damaged", Certificates(cfg, now), "data: "+cert+" ... delete both")
	old, _ := f.certificate(func(c *x509.Certificate) { c.NotBefore, c.NotAfter = now.AddDate(-2, 0, 0), now.AddDate(-1, 0, 0) })
	if err := os.WriteFile(cert, old, 0o600); err != nil {
		t.Fatal(err)
	}
	expect(t, "expired, which is made anew", Certificates(cfg, now))
}
