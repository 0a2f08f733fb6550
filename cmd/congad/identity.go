package main

import (
	"log/slog"

	"conga/cmd/internal/config"
	"conga/httpapi"
	"conga/httpapi/auth"
)

// An identity holds what the daemon asks about users.
type identity struct {
	directory auth.Directory // the configured one, then the HTTP directory
	http      *auth.HTTP     // the HTTP directory; nil: none
	tokens    httpapi.Tokens // nil: tokens are not accepted
}

// owners returns which addresses are whose as the HTTP directory has it.
func (i identity) owners() *auth.Owners {
	if i.http == nil {
		return nil
	}
	return i.http.Owners()
}

// openIdentity makes the directories and the issuer that c names. It sends no
// request: they need not be up for the daemon to start.
func openIdentity(c config.Directory, static *auth.Static, log *slog.Logger) (identity, error) {
	out := identity{directory: static}
	if c.HTTP != "" {
		http, err := auth.NewHTTP(auth.HTTPConfig{URL: c.HTTP, Log: log})
		if err != nil {
			return identity{}, err
		}
		out.directory, out.http = auth.NewChain(static, http), http
	}
	if c.OIDC.Issuer != "" {
		tokens, err := auth.NewOIDC(auth.OIDCConfig{
			Issuer: c.OIDC.Issuer, ClientID: c.OIDC.ClientID, UserClaim: c.OIDC.UserClaim, Log: log,
		})
		if err != nil {
			return identity{}, err
		}
		out.tokens = tokens
	}
	return out, nil
}
