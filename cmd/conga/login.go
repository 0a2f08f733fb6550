package main

import (
	"context"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"conga/cmd/internal/terminal"
	"conga/httpapi/client"
)

func (a *app) loginCommand() *cobra.Command {
	var user, project, passwordFile, tokenFile string
	c := &cobra.Command{
		Use:   "login [--user ID --project ID]",
		Short: "Get a key from the daemon and keep it",
		Long: `login asks the daemon for a key and keeps it, with the server's URL, in
~/.config/conga/credentials, which only you may read.

What is kept is a context, with a name, PROJECT@HOST unless --context gives it
another: there is one for each project at each server, and the one of the last
login is used until conga context use or --context says otherwise. Without
--user and --project it is logged in to that context anew.

A key that an earlier login has kept for the same user and project, and that is
still good, stays and is renewed: logging in often makes no more keys.

The password is asked for on the terminal, read from --password-file, or else
from the first line of the standard input.

Instead of a password, --token-file names a file whose first line is an ID token of
the identity provider that the daemon trusts; --user is not needed then.

If no authority vouches for the daemon's certificate, its fingerprint is shown
and you are asked whether it is the one that the operator told you. It is pinned
from then on: no other certificate will do.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if tokenFile != "" && passwordFile != "" {
				return usagef("login takes --password-file or --token-file, not both")
			}
			who := client.Credentials{UserID: user, ProjectID: project}
			err := a.login(c.Context(), who, passwordFile, tokenFile)
			if s, ok := stoppedBy(c.Context()); ok && err != nil {
				return exitStatus{s.code(), fmt.Errorf("%w; you are not logged in", s)}
			}
			return err
		},
	}
	c.Flags().StringVar(&user, "user", os.Getenv("CONGA_USER"), "your user `ID` (environment: CONGA_USER)")
	c.Flags().StringVar(&project, "project", os.Getenv("CONGA_PROJECT"), "`ID` of the project the key is for (environment: CONGA_PROJECT)")
	c.Flags().StringVar(&passwordFile, "password-file", "", "`file` whose first line is the password; - is the standard input")
	c.Flags().StringVar(&tokenFile, "token-file", "", "`file` whose first line is an ID token; - is the standard input")
	return c
}

func (a *app) login(ctx context.Context, who client.Credentials, passwordFile, tokenFile string) error {
	kept, err := readCredentials()
	if err != nil {
		return err
	}
	name, known, err := a.loginTo(kept, &who, tokenFile != "")
	if err != nil {
		return err
	}
	if known.CAFile != "" {
		if known.CAFile, err = filepath.Abs(known.CAFile); err != nil {
			return err
		}
	}
	if known.Fingerprint == "" && known.CAFile == "" {
		// This comes before the password is asked for, which must not go to an
		// unknown server.
		if known.Fingerprint, err = a.trust(ctx, known.Server); err != nil {
			return err
		}
	}
	cfg := client.Config{BaseURL: known.Server, Fingerprint: known.Fingerprint, CAFile: known.CAFile}
	c, err := client.New(cfg)
	if err != nil {
		return err
	}
	defer c.Close()
	if tokenFile != "" {
		who.Token, err = a.secretLine(ctx, "token", tokenFile)
	} else {
		who.Password, err = a.password(ctx, who.UserID, passwordFile)
	}
	if err != nil {
		return err
	}
	key, err := c.Login(ctx, who)
	if err != nil {
		return err
	}
	key = oneKey(ctx, cfg, known, key)
	known.Key, known.UserID, known.ProjectID, known.EndTime = key.APIKey, key.UserID, key.ProjectID, key.EndTime
	kept.Current = name
	kept.put(name, known)
	path, err := kept.write()
	if err != nil {
		return err
	}
	fmt.Fprintf(a.err, "logged in as %s for %s until %s; the key is in %s, context %s\n", terminal.Clean(key.UserID),
		terminal.Clean(key.ProjectID), time.Unix(key.EndTime, 0).Format(time.DateTime), path, terminal.Clean(kept.Current))
	return nil
}

// loginTo returns the name of the context to log in to, and what is known of
// its server. Without --user and --project it is a context that is saved, whose
// user and project it puts into who.
func (a *app) loginTo(kept credentials, who *client.Credentials, byToken bool) (name string, l login, err error) {
	meant := a.choice(who.ProjectID)
	named := meant.context
	if _, saved := kept.Contexts[named]; !saved || a.server != "" {
		meant.context = "" // it is made, or for another server than it was
	}
	if name, l, err = a.choose(kept, meant); err != nil {
		return "", l, err
	}
	if who.UserID == "" && who.ProjectID == "" {
		who.UserID, who.ProjectID = l.UserID, l.ProjectID
	} else {
		name = ""
	}
	if who.ProjectID == "" || who.UserID == "" && !byToken {
		return "", l, usagef("login needs both --user and --project")
	}
	if name = firstOf(named, name); name == "" {
		name = contextName(login{Server: l.Server, ProjectID: who.ProjectID})
	}
	was := kept.Contexts[name]
	if was.Server != l.Server {
		was = login{}
	}
	l.Key, l.UserID, l.ProjectID = was.Key, was.UserID, was.ProjectID // which may be renewed
	return name, l, nil
}

// trust returns the fingerprint to pin, or "" if an authority verifies the
// server or it speaks no TLS.
func (a *app) trust(ctx context.Context, server string) (string, error) {
	if u, err := url.Parse(server); err != nil || u.Scheme != "https" {
		return "", nil // client.New decides on this
	}
	cert, trusted, err := client.Certificate(ctx, server)
	if err != nil || trusted {
		return "", err
	}
	pin := client.Fingerprint(cert)
	fmt.Fprintf(a.err, "No authority vouches for %s. Its certificate has the fingerprint\n  %s\n", server, pin)
	if !terminal.Is(a.in) {
		return "", fmt.Errorf("the certificate of %s is not trusted; compare the fingerprint with what the operator tells you and give it as --fingerprint", server)
	}
	yes, err := terminal.Confirm(ctx, a.in, a.err, "Is it the one that the operator told you?")
	if err != nil {
		return "", err
	}
	if !yes {
		return "", fmt.Errorf("the certificate of %s is not trusted", server)
	}
	return pin, nil
}

// password reads the password from the source that the user chose.
func (a *app) password(ctx context.Context, user, file string) (string, error) {
	if file == "" {
		return terminal.Password(ctx, a.in, a.err, "Password of "+user+": ")
	}
	return a.secretLine(ctx, "password", file)
}

// secretLine returns the first line of a file, or of the standard input for
// "-".
func (a *app) secretLine(ctx context.Context, what, file string) (string, error) {
	if file == "-" {
		return terminal.Line(ctx, a.in)
	}
	f, err := os.Open(file)
	if err != nil {
		return "", fmt.Errorf("%s: %w", what, err)
	}
	defer f.Close()
	return terminal.Line(ctx, io.LimitReader(f, 64<<10))
}
