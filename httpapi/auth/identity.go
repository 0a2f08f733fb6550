package auth

// Identity is who someone has been shown to be.
type Identity struct {
	User string // as projects list it
	// Issuer and Subject are what an OpenID Connect issuer calls the user, and
	// never reassigns; both "" for one of ours.
	Issuer, Subject string
}

// String is issuer and subject as one, or "" for one of ours.
func (i Identity) String() string {
	if i.Issuer == "" {
		return ""
	}
	return i.Issuer + "#" + i.Subject
}
