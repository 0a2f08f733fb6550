package config

import (
	"fmt"
	"regexp"
)

// phc is the shape of an argon2id line; whether it is the right password only
// shows at a login.
var phc = regexp.MustCompile(`^\$argon2id\$v=19\$m=\d{1,7},t=\d{1,3},p=\d{1,3}\$[A-Za-z0-9+/]{11,}\$[A-Za-z0-9+/]{22,}$`)

func (v *validator) directory(d Directory) {
	proven := d.AllowPasswordless || d.OIDC.Issuer != "" // how a user without a password can still log in
	users := map[string]int{}
	for i, u := range d.Users {
		key := fmt.Sprintf("directory.users[%d]", i)
		v.id(key, u.ID, users, i)
		switch {
		case u.Password == "" && !proven:
			v.add(key+".password", "user %q could never log in; paste a line made by congad passwd, or set directory.allow_passwordless to true", u.ID)
		case u.Password != "" && !phc.MatchString(string(u.Password)):
			v.add(key+".password", "this is not an argon2id line; paste what congad passwd prints, in double quotes")
		}
	}
	projects := map[string]int{}
	for i, p := range d.Projects {
		key := fmt.Sprintf("directory.projects[%d]", i)
		v.id(key, p.ID, projects, i)
		if p.MaxActive < 0 {
			v.add(key+".max_active", "%d is negative; write how many allocations the project may have at a time, or 0 for no limit", p.MaxActive)
		}
		v.members(key+".members", p.Members, users, proven || d.HTTP != "")
	}
	v.identity(d)
}

// members checks that each is named once and, unless someone else knows the
// users, is one of ours.
func (v *validator) members(key string, members []string, users map[string]int, elsewhere bool) {
	seen := map[string]int{}
	for i, m := range members {
		at := fmt.Sprintf("%s[%d]", key, i)
		_, known := users[m]
		switch first, twice := seen[m]; {
		case m == "":
			v.add(at, "a member has no name; write the user's id or remove it")
		case twice:
			v.add(at, "%q is already members[%d]; keep one", m, first)
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
	if first, ok := seen[id]; ok {
		v.add(key+".id", "%q is already %s[%d]; ids are unique", id, parent(key), first)
		return
	}
	seen[id] = i
}

// identity checks the directories outside of the file.
func (v *validator) identity(d Directory) {
	if d.HTTP != "" {
		v.url("directory.http", d.HTTP)
	}
	if d.OIDC.Issuer == "" {
		if d.OIDC.ClientID != "" {
			v.add("directory.oidc.issuer", "a client_id is given without an issuer; write the provider's URL or remove client_id")
		}
		return
	}
	v.url("directory.oidc.issuer", d.OIDC.Issuer)
	if d.OIDC.ClientID == "" {
		v.add("directory.oidc.client_id", "the issuer needs to know who asks; write the client id it gave you")
	}
	if d.OIDC.UserClaim == "" {
		v.add("directory.oidc.user_claim", "no claim says who the user is; write sub or another claim of the token")
	}
}
