package main

import (
	"fmt"
	"maps"
	"net/url"
	"os"
	"slices"
	"strings"
)

// contextName returns the name that the context of a login has if it is given
// none: PROJECT@HOST, with the port if it is not that of https.
func contextName(l login) string {
	host := l.Server
	if u, err := url.Parse(l.Server); err == nil && u.Host != "" {
		host = strings.TrimSuffix(u.Host, ":443")
	}
	return l.ProjectID + "@" + host
}

// names returns the names of the contexts in order.
func (c credentials) names() []string { return slices.Sorted(maps.Keys(c.Contexts)) }

// A choice is what a command line and its environment say of the context that
// is meant.
type choice struct {
	context string // its name
	server  string // its normal URL
	project string // the one that the command is about
}

// find returns the context that is meant: the one that is named, or else one
// for the server, which is the current context's if none is said. Of several
// that for the project is taken, or else the current one, or that whose key
// lives longest. If there is none the name is empty, and the login has what is
// known of the server.
func (c credentials) find(meant choice) (name string, l login, err error) {
	if meant.context != "" {
		l, ok := c.Contexts[meant.context]
		switch {
		case !ok:
			return "", l, usagef("there is no context %q; %s", meant.context, c.known())
		case meant.server != "" && meant.server != l.Server:
			return "", l, usagef("the context %q is for %s, not for %s", meant.context, l.Server, meant.server)
		}
		return meant.context, l, nil
	}
	server := firstOf(meant.server, c.Contexts[c.Current].Server)
	if server == "" {
		return "", l, usagef("no server is named; give --server or set CONGA_SERVER, or run conga login%s", c.orUse())
	}
	best := -1
	for _, n := range c.names() {
		x := c.Contexts[n]
		if x.Server != server {
			continue
		}
		fits := 0
		if n == c.Current {
			fits = 1
		}
		if x.ProjectID == meant.project {
			fits = 2
		}
		if fits > best || fits == best && x.EndTime > l.EndTime {
			best, name, l = fits, n, x
		}
	}
	l.Server = server
	return name, l, nil
}

// known says which contexts there are.
func (c credentials) known() string {
	if len(c.Contexts) == 0 {
		return "make one with conga login"
	}
	return "there are: " + strings.Join(c.names(), ", ")
}

// orUse says how to choose a context, if there are any.
func (c credentials) orUse() string {
	if len(c.Contexts) == 0 {
		return ""
	}
	return fmt.Sprintf(", or conga context use with one of: %s", strings.Join(c.names(), ", "))
}

// choice returns what the flags and the environment say of the context that a
// command means, which is about a project if that is given. A flag wins over
// the environment.
func (a *app) choice(project string) choice {
	m := choice{context: a.context, server: a.server, project: firstOf(project, os.Getenv("CONGA_PROJECT"))}
	if m.server == "" && m.context == "" {
		if m.context = os.Getenv("CONGA_CONTEXT"); m.context == "" {
			m.server = os.Getenv("CONGA_SERVER")
		}
	}
	if m.server != "" {
		m.server = normalServer(m.server)
	}
	return m
}

// choose returns the context that is meant, "" if none is saved for it, and its
// login, as the flags override it.
func (a *app) choose(kept credentials, meant choice) (name string, l login, err error) {
	if name, l, err = kept.find(meant); err != nil {
		return "", l, err
	}
	return name, a.trusting(l), nil
}

// trusting returns a login with what the flags say of the server's certificate.
func (a *app) trusting(l login) login {
	switch {
	case a.fingerprint != "" && a.caFile == "": // the pin is stricter than an authority
		l.CAFile = ""
	case a.caFile != "" && a.fingerprint == "": // what was pinned may have been replaced
		l.Fingerprint = ""
	}
	l.Fingerprint = firstOf(a.fingerprint, os.Getenv("CONGA_FINGERPRINT"), l.Fingerprint)
	l.CAFile = firstOf(a.caFile, l.CAFile)
	return l
}
