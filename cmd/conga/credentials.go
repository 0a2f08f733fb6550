package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// A credentials is what login saves, in a file that only its owner may read: a
// login for each context, by its name, and the context that commands use if
// they name no other.
type credentials struct {
	Current  string           `json:"current,omitempty"`
	Contexts map[string]login `json:"contexts,omitempty"`
}

// A login is a key, and how to recognise the server that it is for.
type login struct {
	Server      string `json:"server"` // normal URL
	Key         string `json:"api_key"`
	UserID      string `json:"user_id"`
	ProjectID   string `json:"project_id"`
	EndTime     int64  `json:"end_time"`              // UNIX seconds
	Fingerprint string `json:"fingerprint,omitempty"` // pinned certificate; empty: verified by an authority
	CAFile      string `json:"ca_file,omitempty"`
}

// UnmarshalJSON reads also what conga saved before it had contexts: the last
// login of each server.
func (c *credentials) UnmarshalJSON(text []byte) error {
	type now credentials
	var file struct {
		now
		Default string           `json:"default"` // the server of the last login
		Servers map[string]login `json:"servers"` // by normal URL
	}
	if err := json.Unmarshal(text, &file); err != nil {
		return err
	}
	*c = credentials(file.now)
	for server, l := range file.Servers {
		l.Server = server
		name := contextName(l)
		c.put(name, l)
		if server == file.Default {
			c.Current = firstOf(c.Current, name)
		}
	}
	return nil
}

// put saves a login under the name of a context.
func (c *credentials) put(name string, l login) {
	if c.Contexts == nil {
		c.Contexts = map[string]login{}
	}
	c.Contexts[name] = l
}

// credentialsPath returns $XDG_CONFIG_HOME/conga/credentials.
func credentialsPath() (string, error) {
	dir := os.Getenv("XDG_CONFIG_HOME")
	if !filepath.IsAbs(dir) { // the XDG specification ignores relative paths
		home, err := os.UserHomeDir()
		if err != nil {
			return "", fmt.Errorf("there is no place for the credentials: %w", err)
		}
		dir = filepath.Join(home, ".config")
	}
	return filepath.Join(dir, "conga", "credentials"), nil
}

// readCredentials returns what login saved, the zero value if there was no
// login.
func readCredentials() (credentials, error) {
	path, err := credentialsPath()
	if err != nil {
		return credentials{}, nil // the environment may have all that is needed
	}
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return credentials{}, nil
	}
	if err == nil && info.Mode().Perm()&0o077 != 0 {
		return credentials{}, fmt.Errorf("others may read the key in %s; run: chmod 600 %s, and log in again", path, path)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return credentials{}, fmt.Errorf("credentials: %w", err)
	}
	var c credentials
	if err := json.Unmarshal(text, &c); err != nil {
		return credentials{}, fmt.Errorf("%s is damaged (%w); remove it and log in again", path, err)
	}
	return c, nil
}

// write saves c. The file is replaced as a whole or not at all, and never
// readable to others.
func (c credentials) write() (path string, err error) {
	if path, err = credentialsPath(); err != nil {
		return "", err
	}
	text, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return "", fmt.Errorf("credentials: %w", err)
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".credentials-*") // mode 0600
	if err != nil {
		return "", fmt.Errorf("credentials: %w", err)
	}
	defer os.Remove(f.Name())
	_, err = f.Write(append(text, '\n'))
	if err = errors.Join(err, f.Close()); err != nil {
		return "", fmt.Errorf("credentials: %w", err)
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return "", fmt.Errorf("credentials: %w", err)
	}
	return path, nil
}

// normalServer returns the URL in the form that the credentials use.
func normalServer(s string) string {
	s = strings.TrimRight(strings.TrimSpace(s), "/")
	if !strings.Contains(s, "://") {
		s = "https://" + s
	}
	return s
}
