package preflight

import (
	"context"
	"crypto/tls"

	"conga/cmd/internal/config"
	"conga/httpapi/auth"
)

// Servers returns a warning for each server that knows users and does not
// answer: the issuer of tokens, and the HTTP directory. Each has some seconds
// for it. roots are the authorities that are trusted; nil: the system's.
func Servers(ctx context.Context, d config.Directory, roots *tls.Config) []Finding {
	var l list
	if d.OIDC.Issuer != "" {
		issuer, err := auth.NewOIDC(auth.OIDCConfig{Issuer: d.OIDC.Issuer, ClientID: d.OIDC.ClientID, UserClaim: d.OIDC.UserClaim, Roots: roots})
		if err == nil {
			err = issuer.Reach(ctx)
			issuer.Close()
		}
		if err != nil {
			l.warn("directory.oidc.issuer", "%s does not answer as an issuer does (%v); until it does, no token is taken: see that the URL is right and that this machine reaches it", d.OIDC.Issuer, err)
		}
	}
	if d.HTTP != "" {
		directory, err := auth.NewHTTP(auth.HTTPConfig{URL: d.HTTP, Roots: roots})
		if err == nil {
			err = directory.Reach(ctx)
			directory.Close()
		}
		if err != nil {
			l.warn("directory.http", "the directory does not answer (%v); until it does, only members that this file names get in: see that the URL is right and that this machine reaches it", err)
		}
	}
	return l
}
