// Package auth says which clients may use the API: the directory of projects
// and users, their passwords, and the keys that stand for an authenticated
// user.
//
// A key is a secret that is shown once and kept only as its SHA-256 hash. No
// error, log line or String method of this package holds a secret.
package auth
