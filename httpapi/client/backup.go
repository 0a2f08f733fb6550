package client

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
)

// Backup writes the daemon's store, as it is at one moment, to w and returns
// the number of bytes. The key has to be the admin's. [Config.Timeout] is for
// all of it. It is not tried again: part of it may have been written to w. Its
// errors are those of any call.
func (c *Client) Backup(ctx context.Context, w io.Writer) (int64, error) {
	const op = "backup"
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, c.base.String()+"/backup", nil)
	if err != nil {
		return 0, fmt.Errorf("client: %s: the request cannot be made", op)
	}
	request.Header.Set("Authorization", "Bearer "+c.key)
	response, err := c.http.Do(request)
	if err != nil {
		if u, ok := err.(*url.Error); ok {
			err = u.Err
		}
		return 0, fmt.Errorf("%s: server %s: %w", op, c.base.Host, err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		if _, _, err = decode(op, response); err == nil {
			err = malformedf("%s: the answer is not one of CONGA's", op)
		}
		return 0, err
	}
	n, err := io.Copy(w, response.Body)
	if err != nil {
		return n, fmt.Errorf("%s: server %s: after %d bytes: %w", op, c.base.Host, n, err)
	}
	return n, nil
}
