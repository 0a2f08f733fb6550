package auth

import "strings"

// An Identity is what proves a user.
type Identity struct {
	User string // as projects list it
	// Issuer and Subject are what an OpenID Connect issuer calls the user, and
	// never reassigns; both "" for one of ours.
	Issuer, Subject string
	// Named means that the configuration has this subject for the user.
	Named bool
}

// String returns issuer and subject as one, or "" for a user of the
// configuration.
func (i Identity) String() string {
	if i.Issuer == "" {
		return ""
	}
	return i.Issuer + "#" + i.Subject
}

// Identity returns what the key was issued for.
func (k Key) Identity() Identity {
	issuer, subject, _ := strings.Cut(k.Subject, "#") // an issuer's URL has no fragment
	return Identity{User: k.User, Issuer: issuer, Subject: subject}
}
