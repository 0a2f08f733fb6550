package web

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"
)

// dist is what Vite has built; only .keep, if it was not run.
//
//go:embed all:dist
var dist embed.FS

//go:embed missing.html
var missing []byte

// policy lets a page have what this server serves it, and nothing else, and
// nothing have the page in a frame. A style's rules come from our own file only.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; " +
	"frame-ancestors 'none'; base-uri 'none'; form-action 'self'"

// A file is one that is served.
type file struct {
	content []byte
	kind    string // media type
	tag     string // ETag
	forever bool   // its name changes with its content
}

// A Page is an [http.Handler] of the page and its assets. Other addresses are
// not found.
type Page struct {
	files map[string]file // by address
	whole bool
}

// New returns the page that was embedded.
func New() (*Page, error) {
	sub, err := fs.Sub(dist, "dist")
	if err != nil {
		return nil, err
	}
	return Of(sub)
}

// Of returns the page in a folder that Vite has built, or the short page if it
// has no index.html.
func Of(folder fs.FS) (*Page, error) {
	p := &Page{files: map[string]file{}}
	err := fs.WalkDir(folder, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasPrefix(path.Base(name), ".") {
			return err
		}
		content, err := fs.ReadFile(folder, name)
		if err != nil {
			return err
		}
		p.add("/"+name, content, strings.HasPrefix(name, "assets/"))
		return nil
	})
	if err != nil {
		return nil, err
	}
	index, whole := p.files["/index.html"]
	if p.whole = whole; whole {
		delete(p.files, "/index.html")
		p.files["/"] = index
	} else {
		p.add("/", missing, false)
		p.files["/"] = withKind(p.files["/"], "text/html; charset=utf-8")
	}
	return p, nil
}

// Whole reports whether the page was built, and is not the short one.
func (p *Page) Whole() bool { return p.whole }

func withKind(f file, kind string) file {
	f.kind = kind
	return f
}

func (p *Page) add(address string, content []byte, forever bool) {
	sum := sha256.Sum256(content)
	kind := mime.TypeByExtension(path.Ext(address))
	if path.Ext(address) == ".js" {
		kind = "text/javascript; charset=utf-8" // whatever the machine's own table says
	}
	p.files[address] = file{content: content, kind: kind, tag: `"` + hex.EncodeToString(sum[:16]) + `"`, forever: forever}
}

// Has reports whether there is something at the address.
func (p *Page) Has(address string) bool {
	_, ok := p.files[address]
	return ok
}

// ServeHTTP serves GET and HEAD.
func (p *Page) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f, ok := p.files[r.URL.Path]
	if !ok {
		http.NotFound(w, r)
		return
	}
	h := w.Header()
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()")
	h.Set("Content-Type", f.kind)
	h.Set("ETag", f.tag)
	h.Set("Cache-Control", "no-cache")
	if f.forever {
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	for _, shown := range strings.Split(r.Header.Get("If-None-Match"), ",") {
		if shown = strings.TrimSpace(shown); shown == f.tag || shown == "*" {
			h.Del("Content-Type")
			w.WriteHeader(http.StatusNotModified)
			return
		}
	}
	if r.Method != http.MethodHead {
		_, _ = w.Write(f.content) // a browser that has gone needs no answer
	}
}
