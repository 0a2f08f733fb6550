package preflight

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
)

// readFile returns the content of a regular file. It refuses whatever else
// could be there, such as a pipe, which would wait for a writer. Its error is a
// sentence with a remedy; what says what the file is to hold.
func readFile(file, what string) ([]byte, error) {
	info, err := os.Stat(file)
	var text []byte
	switch {
	case err == nil && !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s is no regular file; name a PEM file with %s", file, what)
	case err == nil:
		text, err = os.ReadFile(file)
	}
	switch {
	case err == nil:
		return text, nil
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("%s does not exist; put %s there in PEM, or name the file that holds it", file, what)
	case errors.Is(err, fs.ErrPermission):
		return nil, fmt.Errorf("%s may not be read by this user; let the user that congad runs as read it, such as with chgrp and chmod 640", file)
	}
	return nil, fmt.Errorf("%s cannot be read (%v); name a PEM file with %s", file, cause(err), what)
}

// cause returns what the system says without the name of the file.
func cause(err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Err
	}
	return err
}

// isPrivate reports whether a PEM block holds a private key.
func isPrivate(b *pem.Block) bool { return strings.HasSuffix(b.Type, "PRIVATE KEY") }

// certificateBlocks returns the blocks of a PEM file that are certificates. Its
// error completes a sentence that begins with the file's name.
func certificateBlocks(text []byte) (found []*pem.Block, err error) {
	private := false
	for {
		block, rest := pem.Decode(text)
		if block == nil {
			break
		}
		text, private = rest, private || isPrivate(block)
		if block.Type == "CERTIFICATE" {
			found = append(found, block)
		}
	}
	switch {
	case len(found) > 0:
		return found, nil
	case private:
		return nil, errors.New("holds a private key and no certificate; see whether the two files are exchanged")
	case bytes.Contains(text, []byte("-----BEGIN ")):
		return nil, errors.New("is damaged, or cut off; put a whole copy of the certificate there")
	}
	return nil, errors.New("holds no certificate in PEM; openssl x509 -inform DER makes one of a binary file")
}

// parseCertificates parses each block. Those that cannot be parsed are nil, and
// have an error that completes a sentence that begins with the file's name.
func parseCertificates(blocks []*pem.Block) (certs []*x509.Certificate, damaged []error) {
	certs, damaged = make([]*x509.Certificate, len(blocks)), make([]error, len(blocks))
	for i, b := range blocks {
		cert, err := x509.ParseCertificate(b.Bytes)
		if err != nil {
			damaged[i] = fmt.Errorf("is damaged in its certificate %d (%w); put a whole copy there", i+1, err)
			continue
		}
		certs[i] = cert
	}
	return certs, damaged
}

// checkPrivateKey returns an error if a PEM file holds no private key that
// congad could use. It completes a sentence that begins with the file's name.
func checkPrivateKey(text []byte) error {
	for {
		block, rest := pem.Decode(text)
		if block == nil {
			return errors.New("holds no private key in PEM; name the file of the certificate's key")
		}
		text = rest
		switch {
		case !isPrivate(block):
			continue
		case block.Type == "ENCRYPTED PRIVATE KEY" || strings.Contains(block.Headers["Proc-Type"], "ENCRYPTED"):
			return errors.New("has a passphrase, which congad cannot ask for; openssl pkey writes the key without one")
		case !isKey(block.Bytes):
			return errors.New("holds a private key that is damaged; put a whole copy there")
		}
		return nil
	}
}

// isKey reports whether der is a private key in one of its usual forms.
func isKey(der []byte) bool {
	if _, err := x509.ParsePKCS8PrivateKey(der); err == nil {
		return true
	}
	if _, err := x509.ParsePKCS1PrivateKey(der); err == nil {
		return true
	}
	_, err := x509.ParseECPrivateKey(der)
	return err == nil
}
