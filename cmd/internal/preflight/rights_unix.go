//go:build unix

package preflight

import (
	"io/fs"
	"os"
	"os/user"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// access returns an error if this user may not read and write the file, or the
// file system cannot be written to; a directory must be searched, too.
func access(path string) error {
	mode := uint32(unix.R_OK | unix.W_OK)
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		mode |= unix.X_OK
	}
	return unix.Faccessat(unix.AT_FDCWD, path, mode, unix.AT_EACCESS) // the rights by which files are opened
}

// permissions returns the permission bits of a file.
func permissions(info fs.FileInfo) fs.FileMode { return info.Mode().Perm() }

// ownerOf returns the name of another user to whom a file belongs, "" if it is
// this user's or there is none.
func ownerOf(path string) string {
	info, err := os.Stat(path)
	if err != nil {
		return ""
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	if !ok || int(owner.Uid) == os.Geteuid() {
		return ""
	}
	id := strconv.Itoa(int(owner.Uid))
	if u, err := user.LookupId(id); err == nil {
		return u.Username
	}
	return id
}
