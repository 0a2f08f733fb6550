package preflight

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"conga/cmd/internal/config"
	"conga/httpapi/auth"
)

// Names in a data directory that congad reads and writes. The pair of the API's
// certificate is looked at by [Certificates], where it is used.
var dataFiles = []string{"conga.db", "history"}

// adminKey is the name of a file there that is only read once it exists.
const adminKey = "admin.key"

// Data returns what is wrong with a data directory and the rights of what is in
// it: one that is not there must be such that this user can make it.
func Data(dir string) []Finding {
	d := data{access: access}
	d.check(dir)
	return d.list
}

// A data collects what is wrong with a data directory.
type data struct {
	list
	access func(path string) error // an error if this user may not read and write it
}

func (d *data) check(dir string) {
	info, err := os.Stat(dir)
	switch {
	case isAbsent(err):
		d.absent(dir)
		return
	case err != nil:
		d.refuse("data", "%s cannot be looked at (%v); name a directory that the user of congad may write to", dir, cause(err))
		return
	case !info.IsDir():
		d.refuse("data", "%s is no directory; name one, or move the file away", dir)
		return
	}
	if err := d.access(dir); err != nil {
		d.refuse("data", "this user may not write to %s (%v); make it the directory of the user that congad runs as, on a disk that is mounted for writing", dir, err)
		return
	}
	switch open := permissions(info); {
	case open&0o022 != 0:
		d.warn("data", "others than its owner may write to %s, and so exchange the admin's key; chmod 700 it", dir)
	case open&0o055 != 0:
		d.warn("data", "others than its owner may look into %s; chmod 700 it", dir)
	}
	d.content(dir)
}

// isAbsent reports whether an error says that there is no such file.
func isAbsent(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR)
}

// absent checks whether the directory can be made.
func (d *data) absent(dir string) {
	for above := filepath.Dir(filepath.Clean(dir)); ; above = filepath.Dir(above) {
		info, err := os.Stat(above)
		switch {
		case isAbsent(err) && above != filepath.Dir(above):
			continue
		case err == nil && !info.IsDir():
			d.refuse("data", "%s cannot be made, since %s is no directory; name another", dir, above)
			return
		case err == nil:
			err = d.access(above)
		}
		if err != nil {
			d.refuse("data", "%s does not exist, and this user may not make it in %s (%v); make it for the user that congad runs as", dir, above, cause(err))
		}
		return
	}
}

// content checks the rights of what is in the directory.
func (d *data) content(dir string) {
	for _, name := range dataFiles {
		path := filepath.Join(dir, name)
		if _, err := os.Lstat(path); err != nil {
			continue
		}
		if err := d.access(path); err != nil {
			d.refuse("data", "this user may not read and write %s (%v); give it to the user that congad runs as, with chown", path, err)
		}
	}
	path := filepath.Join(dir, adminKey)
	switch err := auth.CheckAdminKey(path); {
	case err == nil, errors.Is(err, fs.ErrNotExist):
	case errors.Is(err, fs.ErrPermission):
		d.refuse("data", "this user may not read %s; give it to the user that congad runs as, with chown", path)
	default:
		d.refuse("data", "%v", err)
	}
}

// AsRoot returns a warning if this user is root and the data directory is
// another user's: what root may read, that user may not.
func AsRoot(dir string) []Finding {
	var l list
	if owner := ownerOf(dir); os.Geteuid() == 0 && owner != "" {
		l.warn("data", "%s belongs to %s, and root may read more than that user; check as that user, such as with runuser -u %s -- congad check", dir, owner, owner)
	}
	return l
}

// File returns a warning if the file of a configuration holds secrets and every
// user of the machine may read it.
func File(file string, c config.Config) []Finding {
	var l list
	info, err := os.Stat(file)
	if err != nil || permissions(info)&0o004 == 0 {
		return nil
	}
	const remedy = "every user of this machine may read %s; take that away with chmod o-r"
	if c.Directory.OIDC.ClientSecret != "" {
		l.warn("directory.oidc.client_secret", remedy, file)
	}
	for i, u := range c.Directory.Users {
		if u.Password != "" {
			l.warn(fmt.Sprintf("directory.users[%d].password", i), remedy, file)
			break
		}
	}
	return l
}
