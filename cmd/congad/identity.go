package main

import (
	"log/slog"

	"conga/cmd/internal/config"
	"conga/httpapi"
	"conga/httpapi/auth"
)

// outside is whom else the daemon asks about users.
type outside struct {
	directory auth.Directory // the configured one, and behind it that over HTTP
	tokens    httpapi.Tokens // nil: none are taken
}

// openOutside makes what c names. Nobody is asked yet: none of them has to be
// up for the daemon to start.
func openOutside(c config.Directory, static *auth.Static, log *slog.Logger) (outside, error) {
	out := outside{directory: static}
	if c.HTTP != "" {
		http, err := auth.NewHTTP(auth.HTTPConfig{URL: c.HTTP, Log: log})
		if err != nil {
			return outside{}, err
		}
		out.directory = auth.NewChain(static, http)
	}
	if c.OIDC.Issuer != "" {
		tokens, err := auth.NewOIDC(auth.OIDCConfig{
			Issuer: c.OIDC.Issuer, ClientID: c.OIDC.ClientID, UserClaim: c.OIDC.UserClaim, Log: log,
		})
		if err != nil {
			return outside{}, err
		}
		out.tokens = tokens
	}
	return out, nil
}
