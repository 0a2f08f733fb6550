package auth

import (
	"context"
	"fmt"
	"runtime"
	"sync/atomic"
	"time"
)

// Directory knows projects, their members, and what proves a user.
type Directory interface {
	// Authenticate succeeds if password proves user and user is a member of
	// project. It fails with [ErrCredentials], [ErrNotMember], a [*WaitError]
	// or an [*UnavailableError].
	Authenticate(ctx context.Context, user, project, password string) error
	// Admit succeeds if user, which has been proved, is a member of project. It
	// fails with [ErrNotMember], or with an [*UnavailableError] where that is
	// not known.
	Admit(ctx context.Context, user, project string) error
	// Member reports whether Admit would succeed.
	Member(user, project string) bool
	// Known reports whether user is known to be a member of project. It asks no
	// other server, so that it can be called for any name that a stranger
	// sends.
	Known(user, project string) bool
	// Manages reports whether user may change and release what other members
	// of project have asked for. It does not say whether user is a member.
	Manages(user, project string) bool
	// Subject is whose tokens stand for user, if the configuration fixes that.
	// It is "", which no token has, for a user that has a password and no
	// subject there.
	Subject(user string) (subject string, fixed bool)
	// Project reports whether project may exist.
	Project(project string) bool
}

// A Project is a project and the users who may ask for keys of it.
type Project struct {
	ID         string
	Members    []string
	Managers   []string // members who may change and release what others have asked for
	AllRelease bool     // every member may do that
	Addresses  []Owned  // that others may not reserve paths for
}

// An User is a user who has a password, or whose tokens are known.
type User struct {
	ID       string
	Password string // argon2id hash, see [HashPassword]; "": needs AllowPasswordless
	Subject  string // of the issuer's tokens that stand for the user; "": not fixed
}

// A StaticConfig is what a [Static] directory knows.
type StaticConfig struct {
	Projects []Project
	Users    []User
	// AllowPasswordless lets a member who has neither password nor subject in
	// with their name alone, as conga-api.md describes. A user with one must
	// prove it.
	AllowPasswordless bool
}

const (
	// busyWaiters bounds the requests that wait for a password check.
	busyWaiters = 64
	busyRetry   = 2 * time.Second
)

// A Static is a [Directory] read from configuration. It is safe for concurrent
// use, and Update replaces what it knows at once.
type Static struct {
	known atomic.Pointer[staticKnown]
	// Each check takes tens of megabytes and one processor, so only so many run
	// at a time, for all clients together.
	running chan struct{}
	waiting chan struct{}
}

// staticKnown never changes.
type staticKnown struct {
	members      map[string]map[string]bool // project to user
	managers     map[owner]bool             // a user of "" stands for all
	users        map[string]bool            // listed, or a member of something
	hashes       map[string]passwordHash    // by user, for those with a password
	subjects     map[string]string          // by user, for those with a subject
	decoy        passwordHash               // checked where there is no hash
	passwordless bool
}

var _ Directory = (*Static)(nil)

// NewStatic checks cfg and makes a directory of it.
func NewStatic(cfg StaticConfig) (*Static, error) {
	s := &Static{
		running: make(chan struct{}, max(1, runtime.GOMAXPROCS(0))),
		waiting: make(chan struct{}, busyWaiters),
	}
	if err := s.Update(cfg); err != nil {
		return nil, err
	}
	return s, nil
}

// Update replaces everything the directory knows, or nothing if cfg is wrong.
func (s *Static) Update(cfg StaticConfig) error {
	k := &staticKnown{
		members: map[string]map[string]bool{}, managers: map[owner]bool{}, users: map[string]bool{},
		hashes: map[string]passwordHash{}, subjects: map[string]string{}, decoy: newHash(), passwordless: cfg.AllowPasswordless,
	}
	if err := k.addUsers(cfg.Users); err != nil {
		return err
	}
	if err := k.addProjects(cfg.Projects); err != nil {
		return err
	}
	s.known.Store(k)
	return nil
}

func (k *staticKnown) addUsers(users []User) error {
	costliest := uint64(0)
	for i, u := range users {
		switch {
		case !ValidName(u.ID):
			return fmt.Errorf("auth: users[%d].id: %s", i, NameRule)
		case k.users[u.ID]:
			return fmt.Errorf("auth: users[%d].id: %s is listed twice", i, u.ID)
		}
		k.users[u.ID] = true
		if u.Subject != "" {
			k.subjects[u.ID] = u.Subject
		}
		if u.Password == "" {
			continue
		}
		h, err := parseHash(u.Password)
		if err != nil {
			return fmt.Errorf("auth: users[%d].password of %s: %w", i, u.ID, err)
		}
		k.hashes[u.ID] = h
		// A user that does not exist must take as long as one that does.
		if c := h.cost(); c > costliest {
			costliest = c
			k.decoy.memory, k.decoy.passes, k.decoy.threads = h.memory, h.passes, h.threads
		}
	}
	return nil
}

func (k *staticKnown) addProjects(projects []Project) error {
	for i, p := range projects {
		switch {
		case !ValidName(p.ID):
			return fmt.Errorf("auth: projects[%d].id: %s", i, NameRule)
		case k.members[p.ID] != nil:
			return fmt.Errorf("auth: projects[%d].id: %s is listed twice", i, p.ID)
		}
		k.members[p.ID] = make(map[string]bool, len(p.Members))
		for j, m := range p.Members {
			if !ValidName(m) {
				return fmt.Errorf("auth: projects[%d].members[%d]: %s", i, j, NameRule)
			}
			k.members[p.ID][m] = true
			k.users[m] = true
		}
		for j, m := range p.Managers {
			if !ValidName(m) {
				return fmt.Errorf("auth: projects[%d].managers[%d]: %s", i, j, NameRule)
			}
			k.members[p.ID][m] = true
			k.users[m] = true
			k.managers[owner{m, p.ID}] = true
		}
		k.managers[owner{"", p.ID}] = p.AllRelease
	}
	return nil
}

// Manages implements [Directory].
func (s *Static) Manages(user, project string) bool {
	k := s.known.Load()
	return k.managers[owner{user, project}] || k.managers[owner{"", project}]
}

// Admit implements [Directory].
func (s *Static) Admit(_ context.Context, user, project string) error {
	return s.known.Load().admit(user, project)
}

// Member implements [Directory].
func (s *Static) Member(user, project string) bool {
	return s.known.Load().members[project][user]
}

// Known implements [Directory].
func (s *Static) Known(user, project string) bool { return s.Member(user, project) }

// Project implements [Directory].
func (s *Static) Project(project string) bool {
	return s.known.Load().members[project] != nil
}

// Subject implements [Directory].
func (s *Static) Subject(user string) (subject string, fixed bool) {
	k := s.known.Load()
	_, hasPassword := k.hashes[user]
	subject, fixed = k.subjects[user]
	return subject, fixed || hasPassword
}

// open reports whether a name needs no proof, if it is a member's.
func (k *staticKnown) open(user string) bool {
	_, hasPassword := k.hashes[user]
	return k.passwordless && !hasPassword && k.subjects[user] == ""
}

// Authenticate implements [Directory]. A refusal takes as long as one password
// check, whatever the reason.
func (s *Static) Authenticate(ctx context.Context, user, project, password string) error {
	k := s.known.Load()
	hash, hasPassword := k.hashes[user]
	if k.open(user) && k.users[user] {
		return k.admit(user, project)
	}
	if !hasPassword {
		hash = k.decoy
	}
	ok, err := s.check(ctx, hash, password)
	if err != nil {
		return err
	}
	if !ok || !hasPassword {
		return ErrCredentials
	}
	return k.admit(user, project)
}

// admit returns the answer to a user that has been proved.
func (k *staticKnown) admit(user, project string) error {
	if !k.members[project][user] {
		return ErrNotMember
	}
	return nil
}

// check verifies a password when a processor is free for it.
func (s *Static) check(ctx context.Context, h passwordHash, password string) (bool, error) {
	if len(password) > maxPassword {
		password = "" // never right, see HashPassword, and as slow as any
	}
	select {
	case s.waiting <- struct{}{}:
		defer func() { <-s.waiting }()
	default:
		return false, &WaitError{After: busyRetry, Reason: "too many passwords are being checked"}
	}
	select {
	case s.running <- struct{}{}:
		defer func() { <-s.running }()
	case <-ctx.Done():
		return false, ctx.Err()
	}
	return h.matches(password), nil
}
