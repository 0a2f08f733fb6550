package config

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"conga/allocator"
	"conga/httpapi/auth"
)

func (v *validator) directory(d Directory) {
	users := map[string]int{}
	for i, u := range d.Users {
		key := fmt.Sprintf("directory.users[%d]", i)
		v.id(key, u.ID, users, i)
		switch {
		case u.Subject != "" && d.OIDC.Issuer == "":
			v.add(key+".subject", "a subject is given but no issuer whose tokens could have it; set directory.oidc or remove it")
		case len(u.Subject) > auth.MaxSubject:
			v.add(key+".subject", "the subject is longer than %d bytes; copy the sub claim of the user's tokens", auth.MaxSubject)
		}
		switch {
		case u.Password == "" && !d.AllowPasswordless && d.OIDC.Issuer == "":
			v.add(key+".password", "user %q could never log in; paste a line made by congad passwd, or set directory.allow_passwordless to true", u.ID)
		case u.Password != "" && !isHash(u.Password):
			v.add(key+".password", "this is not an argon2id line; paste what congad passwd prints, in double quotes")
		}
	}
	projects := map[string]int{}
	for i, p := range d.Projects {
		key := fmt.Sprintf("directory.projects[%d]", i)
		v.id(key, p.ID, projects, i)
		if p.MaxActive != nil && *p.MaxActive < 0 {
			v.add(key+".max_active", "%d is negative; write how many allocations the project may have at a time, or leave it out for any number", *p.MaxActive)
		}
		if p.MaxPending != nil && *p.MaxPending < 0 {
			v.add(key+".max_pending", "%d is negative; write how many allocations of the project may wait at a time, or leave it out for any number", *p.MaxPending)
		}
		v.wholeSeconds(key+".max_duration", p.MaxDuration, "how long an allocation of the project may last")
		v.wholeSeconds(key+".horizon", p.Horizon, "how far ahead an allocation of the project may start")
		v.idleReclaim(key+".idle_reclaim", p.IdleReclaim)
		if p.Weight != nil && (*p.Weight < 1 || *p.Weight > maxWeight) {
			v.add(key+".weight", "%d is not between 1 and %d; write how many times the part of a project of weight 1 its scavengers are to have of what is spare, or leave it out for 1", *p.Weight, maxWeight)
		}
		if p.RunAhead != nil {
			v.runAhead(key+".run_ahead", p.RunAhead.Duration())
		}
		v.members(key+".members", p.Members, users, d.AllowPasswordless || d.OIDC.Issuer != "")
		v.members(key+".managers", p.Managers, users, d.AllowPasswordless || d.OIDC.Issuer != "")
		v.addresses(key+".addresses", p.Addresses)
	}
	v.consent(d)
	v.identity(d)
}

// consent checks whose consent a path needs. That of both ends protects nothing
// where no project can own any.
func (v *validator) consent(d Directory) {
	v.oneOf("directory.consent", d.Consent, string(auth.ConsentEither), string(auth.ConsentSource), string(auth.ConsentBoth))
	if d.Consent != string(auth.ConsentSource) && d.Consent != string(auth.ConsentBoth) || d.HTTP != "" {
		return
	}
	if !slices.ContainsFunc(d.Projects, func(p Project) bool { return len(p.Addresses) > 0 }) {
		v.add("directory.consent", "%s protects nothing, since no project has addresses, so that every project may reserve paths between any hosts; "+
			"write which are whose in addresses of directory.projects, or leave it out", d.Consent)
	}
}

// wholeSeconds checks a limit of a project that is a time, if it is there.
func (v *validator) wholeSeconds(key string, most *Interval, what string) {
	if most != nil && (*most < 0 || most.Duration()%time.Second != 0) {
		v.add(key, "%s is not a whole number of seconds from 0 on; write %s, such as 30d, or leave it out for no limit", most, what)
	}
}

// idleReclaim checks when allocations are released because they are not used.
func (v *validator) idleReclaim(key string, i *Idle) {
	if i == nil {
		return
	}
	if !(i.Below > 0 && i.Below < 1) {
		v.add(key+".below", "%v is not a share between 0 and 1; 0.05 is usual", i.Below)
	}
	if d := i.For.Duration(); d < time.Minute || d > allocator.MaxDuration*time.Second || d%time.Second != 0 {
		v.add(key+".for", "%s is not from 1m to 8760h in whole seconds; 30m is usual", d)
	}
}

// runAhead checks for how long paths of commands are reserved.
func (v *validator) runAhead(key string, d time.Duration) {
	if d != 0 && (d < time.Minute || d > allocator.MaxDuration*time.Second || d%time.Second != 0) {
		v.add(key, "%s is not from 1m to 8760h in whole seconds; write for how long conga run reserves a path, 0 for its lease at a time, or leave it out for 24h", d)
	}
}

// members checks that each member is named once and, unless users are known
// elsewhere too, is a user of the configuration.
func (v *validator) members(key string, members []string, users map[string]int, elsewhere bool) {
	seen := map[string]int{}
	for i, m := range members {
		at := fmt.Sprintf("%s[%d]", key, i)
		_, known := users[m]
		switch first, twice := seen[m]; {
		case m == "":
			v.add(at, "a member has no name; write the user's id or remove it")
		case !auth.ValidName(m):
			v.add(at, "%q %s", m, auth.NameRule)
		case twice:
			v.add(at, "%q is already %s[%d]; keep one", m, key[strings.LastIndexByte(key, '.')+1:], first)
		case !known && !elsewhere:
			v.add(at, "no user %q is in directory.users; add one with a password, or set directory.allow_passwordless to true", m)
		}
		seen[m] = i
	}
}

// id checks that an id is there and is the only one of its name.
func (v *validator) id(key, id string, seen map[string]int, i int) {
	if id == "" {
		v.add(key+".id", "the id is missing; write a name")
		return
	}
	if !auth.ValidName(id) {
		v.add(key+".id", "%q %s", id, auth.NameRule)
		return
	}
	if first, ok := seen[id]; ok {
		v.add(key+".id", "%q is already %s[%d]; ids are unique", id, parent(key), first)
		return
	}
	seen[id] = i
}

// identity checks the OpenID Connect issuer and the HTTP directory.
func (v *validator) identity(d Directory) {
	if d.HTTP != "" {
		if err := auth.CheckHTTP(d.HTTP); err != nil {
			v.add("directory.http", "%v; such as https://directory.example/users/{user}/projects/{project}", err)
		}
	}
	if d.OIDC.Issuer == "" && d.OIDC.ClientID == "" {
		return
	}
	if field, err := auth.CheckOIDC(auth.OIDCConfig{
		Issuer: d.OIDC.Issuer, ClientID: d.OIDC.ClientID, UserClaim: d.OIDC.UserClaim,
	}); err != nil {
		v.add("directory.oidc."+field, "%v", err)
	}
}

// isHash reports whether the text is a password hash that logins can be checked
// against.
func isHash(s Secret) bool {
	_, err := auth.NewStatic(auth.StaticConfig{Users: []auth.User{{ID: "any", Password: string(s)}}})
	return err == nil
}
