package auth

import (
	"context"
	"errors"
)

// A Chain is a [Directory] of two: the configured one is asked first, and where
// it knows of no membership, the one over HTTP. What proves a user is always
// known here; the directory over HTTP knows members, managers and addresses.
type Chain struct {
	static *Static
	http   *HTTP
}

var _ Directory = (*Chain)(nil)

// NewChain puts the two together.
func NewChain(static *Static, http *HTTP) *Chain { return &Chain{static, http} }

// Authenticate implements [Directory]. A user who need not prove anything is
// let in by the word of either directory.
func (c *Chain) Authenticate(ctx context.Context, user, project, password string) error {
	k := c.static.known.Load()
	if k.open(user) && !k.members[project][user] {
		err := c.http.AdmitUnproved(ctx, user, project)
		if errors.Is(err, ErrNotMember) && !k.users[user] {
			return ErrCredentials
		}
		return err
	}
	err := c.static.Authenticate(ctx, user, project, password)
	if errors.Is(err, ErrNotMember) {
		return c.http.Admit(ctx, user, project)
	}
	return err
}

// Admit implements [Directory].
func (c *Chain) Admit(ctx context.Context, user, project string) error {
	if c.static.Member(user, project) {
		return nil
	}
	return c.http.Admit(ctx, user, project)
}

// Member implements [Directory].
func (c *Chain) Member(user, project string) bool {
	return c.Admit(context.Background(), user, project) == nil
}

// Known implements [Directory].
func (c *Chain) Known(user, project string) bool {
	return c.static.Member(user, project) || c.http.Known(user, project)
}

// Manages implements [Directory]. The word of either counts, that of the
// directory over HTTP about a user that it has made a member.
func (c *Chain) Manages(user, project string) bool {
	return c.static.Manages(user, project) || c.http.Manages(user, project)
}

// Subject implements [Directory].
func (c *Chain) Subject(user string) (subject string, fixed bool) { return c.static.Subject(user) }

// Project implements [Directory]: the directory over HTTP has no list, so any
// project that it can be asked about may be one of its.
func (c *Chain) Project(project string) bool {
	return c.static.Project(project) || askable(project)
}
