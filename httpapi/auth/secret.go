package auth

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"regexp"
	"strings"
)

// Prefix starts every key, so that people and secret scanners recognise one.
const Prefix = "conga_"

// secretLen is the length of a key's text: the prefix and 256 bits.
var secretLen = len(Prefix) + base64.RawURLEncoding.EncodedLen(32)

// NewSecret returns a fresh key: the prefix and 256 random bits.
func NewSecret() string {
	var b [32]byte
	rand.Read(b[:]) // never fails
	return Prefix + base64.RawURLEncoding.EncodeToString(b[:])
}

// A Digest is the SHA-256 hash of a key: all that is ever kept of it. A fast
// hash is enough, since a key holds 256 random bits.
type Digest [sha256.Size]byte

// HashSecret returns the digest of a key's text.
func HashSecret(secret string) Digest { return sha256.Sum256([]byte(secret)) }

// hex returns the digest as the store's key.
func (d Digest) hex() string { return hex.EncodeToString(d[:]) }

func parseDigest(s string) (d Digest, ok bool) {
	n, err := hex.Decode(d[:], []byte(s))
	return d, err == nil && n == len(d)
}

// wellFormed reports whether s could be a key at all. What cannot is never
// hashed.
func wellFormed(s string) bool {
	return len(s) == secretLen && strings.HasPrefix(s, Prefix)
}

// secretPattern matches the beginning of each sort of secret, and what may
// follow it: a key, the secret of a webhook, and a JSON Web Token, whose header
// begins with a brace and a quote, eyJ in base64.
var secretPattern = regexp.MustCompile(`(` + Prefix + `|whsec_)[A-Za-z0-9_-]*|(eyJ)[A-Za-z0-9._-]*`)

// Redact replaces everything in s that looks like a key, the secret of a
// webhook or a token.
func Redact(s string) string {
	if !strings.Contains(s, Prefix) && !strings.Contains(s, "whsec_") && !strings.Contains(s, "eyJ") {
		return s // nearly always, and looking for it is much quicker so
	}
	return secretPattern.ReplaceAllString(s, "${1}${2}[redacted]")
}
