package auth

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/crypto/argon2"
)

// What HashPassword uses: 19 MiB and two passes, which OWASP recommends for
// servers that verify on the request path.
const (
	hashMemory  = 19 * 1024 // KiB
	hashPasses  = 2
	hashThreads = 1
	hashSalt    = 16 // bytes
	hashLength  = 32 // bytes
)

// Bounds of what a configuration may ask of the machine for one password.
const (
	maxMemory   = 1 << 20 // KiB: 1 GiB
	maxPasses   = 100
	maxPassword = 1024 // bytes
)

// A passwordHash is a parsed argon2id hash.
type passwordHash struct {
	memory, passes uint32
	threads        uint8
	salt, sum      []byte
}

// HashPassword returns the text that a configuration holds in place of
// password: $argon2id$v=19$m=…,t=…,p=…$salt$hash with a fresh salt.
func HashPassword(password string) (string, error) {
	if password == "" {
		return "", errors.New("auth: the password is empty")
	}
	if len(password) > maxPassword {
		return "", fmt.Errorf("auth: the password is longer than %d bytes", maxPassword)
	}
	h := newHash()
	h.sum = h.compute(password)
	return h.String(), nil
}

// newHash returns a hash with the default cost, a fresh salt, and a sum that no
// password has.
func newHash() passwordHash {
	h := passwordHash{
		memory: hashMemory, passes: hashPasses, threads: hashThreads,
		salt: make([]byte, hashSalt), sum: make([]byte, hashLength),
	}
	rand.Read(h.salt)
	rand.Read(h.sum)
	return h
}

// String returns the form that parseHash reads.
func (h passwordHash) String() string {
	b64 := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s",
		argon2.Version, h.memory, h.passes, h.threads, b64(h.salt), b64(h.sum))
}

// parseHash reads the text form. Errors never repeat the text.
func parseHash(s string) (h passwordHash, err error) {
	parts := strings.Split(s, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" {
		return h, errors.New("write $argon2id$v=19$m=…,t=…,p=…$salt$hash")
	}
	if parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return h, fmt.Errorf("only argon2id version %d is known", argon2.Version)
	}
	n, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &h.memory, &h.passes, &h.threads)
	if err != nil || n != 3 || parts[3] != fmt.Sprintf("m=%d,t=%d,p=%d", h.memory, h.passes, h.threads) {
		return h, errors.New("the cost must read m=…,t=…,p=…")
	}
	if h.salt, err = base64.RawStdEncoding.Strict().DecodeString(parts[4]); err != nil || len(h.salt) < 8 || len(h.salt) > 64 {
		return h, errors.New("the salt must be 8 to 64 bytes in base64 without padding")
	}
	if h.sum, err = base64.RawStdEncoding.Strict().DecodeString(parts[5]); err != nil || len(h.sum) < 16 || len(h.sum) > 64 {
		return h, errors.New("the hash must be 16 to 64 bytes in base64 without padding")
	}
	if h.threads == 0 || h.passes == 0 || h.passes > maxPasses || h.memory < 8*uint32(h.threads) || h.memory > maxMemory {
		return h, fmt.Errorf("the cost is out of bounds: m from 8 times p to %d KiB, t from 1 to %d, p from 1", maxMemory, maxPasses)
	}
	return h, nil
}

func (h passwordHash) compute(password string) []byte {
	return argon2.IDKey([]byte(password), h.salt, h.passes, h.memory, h.threads, uint32(len(h.sum)))
}

// matches reports whether the hash is that of password. It compares in constant
// time.
func (h passwordHash) matches(password string) bool {
	return subtle.ConstantTimeCompare(h.compute(password), h.sum) == 1
}

// cost orders hashes by the work of verifying one.
func (h passwordHash) cost() uint64 { return uint64(h.memory) * uint64(h.passes) }
