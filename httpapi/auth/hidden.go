package auth

// A Hidden is a secret that has to be kept as it is, because something is
// signed or proved with it. Nothing prints or encodes it; where it is needed it
// is converted to a string.
type Hidden string

const hidden = "[hidden]"

// String hides the secret.
func (Hidden) String() string { return hidden }

// GoString hides the secret from %#v.
func (Hidden) GoString() string { return hidden }

// MarshalText hides the secret from every encoder.
func (Hidden) MarshalText() ([]byte, error) { return []byte(hidden), nil }
