package main

import (
	"log/slog"

	"conga/cmd/internal/config"
	"conga/httpapi"
	"conga/httpapi/auth"
)

// userSources holds what the daemon asks about users.
type userSources struct {
	directory auth.Directory  // the configured one, then the HTTP directory
	http      *auth.HTTP      // the HTTP directory; nil: none
	tokens    httpapi.Tokens  // nil: tokens are not accepted
	signIns   httpapi.SignIns // of the same issuer
}

// owners returns which addresses are whose as the HTTP directory has it.
func (u userSources) owners() *auth.Owners {
	if u.http == nil {
		return nil
	}
	return u.http.Owners()
}

// openUserSources makes the directories and the issuer that c names. It sends
// no request: they need not be up for the daemon to start.
func openUserSources(c config.Directory, static *auth.Static, log *slog.Logger) (userSources, error) {
	out := userSources{directory: static}
	if c.HTTP != "" {
		http, err := auth.NewHTTP(auth.HTTPConfig{URL: c.HTTP, Log: log})
		if err != nil {
			return userSources{}, err
		}
		out.directory, out.http = auth.NewChain(static, http), http
	}
	if c.OIDC.Issuer != "" {
		tokens, err := auth.NewOIDC(auth.OIDCConfig{
			Issuer: c.OIDC.Issuer, ClientID: c.OIDC.ClientID, ClientSecret: string(c.OIDC.ClientSecret), UserClaim: c.OIDC.UserClaim, Log: log,
		})
		if err != nil {
			return userSources{}, err
		}
		out.tokens, out.signIns = tokens, tokens
	}
	return out, nil
}
