package auth

import (
	"errors"
	"fmt"
	"os"
	"strings"
)

// AdminKey reads the digest of the operator's key from the file at path, and
// makes the file with a fresh key, mode 0600, if there is none. created tells
// which; the key itself is only ever in the file.
func AdminKey(path string) (digest Digest, created bool, err error) {
	digest, err = readAdminKey(path)
	if !errors.Is(err, os.ErrNotExist) {
		return digest, false, err
	}
	secret := NewSecret()
	if err := writeNew(path, secret+"\n"); err != nil {
		return Digest{}, false, fmt.Errorf("auth: admin key: %w", err)
	}
	return HashSecret(secret), true, nil
}

// CheckAdminKey returns the error with which [AdminKey] would refuse the file
// at path. It makes none.
func CheckAdminKey(path string) error {
	_, err := readAdminKey(path)
	return err
}

func readAdminKey(path string) (Digest, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return Digest{}, fmt.Errorf("auth: admin key: %w", err)
	}
	info, err := os.Stat(path)
	if err != nil {
		return Digest{}, fmt.Errorf("auth: admin key: %w", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return Digest{}, fmt.Errorf("auth: admin key: %s can be read by others than its owner; chmod 600 it, or delete it to have a new one made", path)
	}
	secret := strings.TrimSpace(string(text))
	if !wellFormed(secret) {
		return Digest{}, fmt.Errorf("auth: admin key: %s does not hold a key; delete it to have a new one made", path)
	}
	return HashSecret(secret), nil
}

// writeNew makes a private file that must not exist yet, and syncs it. On an
// error it leaves none, so that the next start, when the disk has room again,
// does not find half a key.
func writeNew(path, text string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		os.Remove(path)
	}
	return err
}
