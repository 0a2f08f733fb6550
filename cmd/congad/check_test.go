package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"conga/httpapi/serve"
)

// checked returns what congad check says of a file, and its exit code.
func checked(t *testing.T, file string) (string, int) {
	t.Helper()
	var text bytes.Buffer
	code := run(t.Context(), []string{"check", "--config", file}, strings.NewReader(""), &text, &text)
	return text.String(), code
}

// TestCheckWhileRunning: a daemon that runs with a configuration is nothing
// wrong with it, but is that with another's addresses.
func TestCheckWhileRunning(t *testing.T) {
	dir := t.TempDir()
	file, data := filepath.Join(dir, "conga.yaml"), filepath.Join(dir, "data")
	writeConfig(t, file, fmt.Sprintf(testConfig, data, "127.0.0.1:0"))
	p := start(t, file)
	at, err := url.Parse(fmt.Sprint(p.until("listening for users")["url"]))
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Replace(fmt.Sprintf(testConfig, data, p.until("listening for switches")["addr"]), `"127.0.0.1:0"`, `"`+at.Host+`"`, 1)
	same, other := filepath.Join(dir, "same.yaml"), filepath.Join(dir, "other.yaml")
	writeConfig(t, same, text)
	writeConfig(t, other, strings.Replace(text, data, filepath.Join(dir, "other"), 1))
	out, code := checked(t, same)
	if code != exitOK || !strings.Contains(out, "congad is running with the data in "+data) ||
		!strings.Contains(out, "warning: api.listen: "+at.Host+" is in use, by the congad that runs") {
		t.Errorf("while it runs: code %d\n%s", code, out)
	}
	out, code = checked(t, other)
	if code != exitFailure || !strings.Contains(out, "api.listen: another program listens on "+at.Host) ||
		!strings.Contains(out, "openflow.listen: another program") || strings.Contains(out, "is running") {
		t.Errorf("with other data: code %d\n%s", code, out)
	}
	if code := p.Stop(os.Interrupt); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if _, err := os.Stat(filepath.Join(dir, "other")); err == nil {
		t.Error("the check has made a data directory")
	}
	if err := os.Truncate(filepath.Join(data, "conga.db"), 0); err != nil {
		t.Fatal(err)
	}
	if out, code = checked(t, same); code != exitFailure || !strings.Contains(out, "data: ") || !strings.Contains(out, "--new-store") {
		t.Errorf("with an emptied store: code %d\n%s", code, out)
	}
}

// TestRefusedCertificates: what check refuses of certificates, the start does
// too, before it makes anything, and a running daemon goes on without.
func TestRefusedCertificates(t *testing.T) {
	dir := t.TempDir()
	file, data := filepath.Join(dir, "conga.yaml"), filepath.Join(dir, "data")
	text := fmt.Sprintf(testConfig, data, "127.0.0.1:0")
	one, two := filepath.Join(dir, "one"), filepath.Join(dir, "two")
	for _, of := range []string{one, two} {
		if err := os.Mkdir(of, 0o700); err != nil {
			t.Fatal(err)
		}
		if _, _, err := serve.LoadTLS(serve.TLSFiles{Dir: of}); err != nil {
			t.Fatal(err)
		}
	}
	cert, own := serve.SelfSignedFiles(one)
	_, strange := serve.SelfSignedFiles(two)
	with := func(section, cert, key string) string {
		return strings.Replace(text, section+`: {`, fmt.Sprintf(`%s: {tls: {cert: %q, key: %q}, `, section, cert, key), 1)
	}
	cases := map[string]string{
		"api.tls.key: " + strange + " is not the key of":          with("api", cert, strange),
		"openflow.tls.key: " + strange + " is not the key of":     with("openflow", cert, strange),
		"api.tls.cert: " + dir + "/absent does not exist":         with("api", dir+"/absent", own),
		"openflow.tls.cert: " + dir + "/conga.yaml holds no cert": with("openflow", file, own),
	}
	for want, refused := range cases {
		writeConfig(t, file, refused)
		if out, code := checked(t, file); code != exitFailure || !strings.Contains(out, file+": "+want) {
			t.Errorf("%s: checked with code %d\n%s", want, code, out)
		}
		out, err := exec.CommandContext(t.Context(), "congad", "--config", file).CombinedOutput()
		if err == nil || !strings.Contains(string(out), "congad: "+want) {
			t.Errorf("%s: started (%v)\n%s", want, err, out)
		}
	}
	if _, err := os.Stat(data); err == nil {
		t.Error("a start that was refused has made a data directory")
	}
	text = with("api", cert, own)
	writeConfig(t, file, text)
	p := start(t, file)
	p.login()
	for want, refused := range cases {
		field := "err"
		if section, reason, _ := strings.Cut(want, ": "); strings.HasPrefix(section, "openflow.") { // taken at a restart only
			field, want, refused = "reason", reason, text[:strings.Index(text, "openflow:")]+refused[strings.Index(refused, "openflow:"):]
		} else {
			refused = strings.Replace(refused, "[abc123]", "[xyz987]", 1)
		}
		writeConfig(t, file, refused)
		p.Signal(syscall.SIGHUP)
		p.untilText(field, want)
	}
	p.login()
}

// TestExpiredCertificate: a daemon starts with a certificate that has expired,
// and takes one at SIGHUP, but says so, and so does check.
func TestExpiredCertificate(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "conga.yaml")
	cert, key := expiredPair(t, dir)
	text := fmt.Sprintf(testConfig, filepath.Join(dir, "data"), "127.0.0.1:0")
	writeConfig(t, file, strings.Replace(text, "api: {", fmt.Sprintf("api: {tls: {cert: %q, key: %q}, ", cert, key), 1))
	if out, code := checked(t, file); code != exitFailure || !strings.Contains(out, "warning: api.tls.cert: the certificate in "+cert+" has expired") {
		t.Errorf("checked with code %d\n%s", code, out)
	}
	p := start(t, file)
	p.untilText("reason", "has expired on")
	p.login()
	p.Signal(syscall.SIGHUP)
	p.untilText("reason", "has expired on")
	p.until("configuration read again")
	p.login()
}

// expiredPair writes a certificate that has expired, and its key.
func expiredPair(t *testing.T, dir string) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	end := time.Now().Add(-time.Hour)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: end.AddDate(-1, 0, 0), NotAfter: end, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	signed, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	cert, key = filepath.Join(dir, "expired.crt"), filepath.Join(dir, "expired.key")
	for path, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: signed}, key: {Type: "PRIVATE KEY", Bytes: der}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return cert, key
}
