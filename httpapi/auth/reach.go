package auth

import (
	"context"
	"errors"
	"net/http"
	"net/url"
)

// Reach returns an error if the issuer does not answer with a document about
// itself, within a few seconds.
func (o *OIDC) Reach(ctx context.Context) error {
	_, err := o.find(ctx)
	if e, ok := errors.AsType[*UnavailableError](err); ok && e.Err != nil {
		return errors.New(shortened(e.Err))
	}
	return err
}

// Reach returns an error if the server of the directory does not answer within
// a few seconds. It asks for no user, and whatever is answered will do.
func (h *HTTP) Reach(ctx context.Context) error {
	u, err := url.Parse(h.url)
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodHead, u.Scheme+"://"+u.Host+"/", nil)
	if err != nil {
		return err
	}
	a, err := h.client.Do(r)
	if err != nil {
		return errors.New(shortened(err))
	}
	return a.Body.Close()
}
