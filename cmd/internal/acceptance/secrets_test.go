package acceptance

import (
	"encoding/base64"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

var (
	// keyLike matches any key or token, and no longer words, such as a metric's
	// name.
	keyLike = regexp.MustCompile(`conga_[A-Za-z0-9_-]{43}(?:[^A-Za-z0-9_-]|$)|eyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.`)
	// encoded matches what may be text in Base64, as JSON has bytes.
	encoded = regexp.MustCompile(`[A-Za-z0-9+/]{40,}={0,2}`)
)

// leak returns the first secret in a text, with what comes before it; "" if
// there is none.
func (w *world) leak(text string) string {
	show := func(i int, what string) string {
		return fmt.Sprintf("%q… %s", text[max(0, i-80):i], what)
	}
	if at := keyLike.FindStringIndex(text); at != nil {
		return show(at[0], "a key or token")
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for secret, what := range w.secrets {
		// The prefix that marks a key is no secret.
		if i := strings.Index(text, strings.TrimPrefix(secret, "conga_")); i >= 0 {
			return show(i, what)
		}
	}
	for _, text := range encoded.FindAllString(text, -1) {
		if plain, err := base64.StdEncoding.DecodeString(text); err == nil {
			if at := keyLike.FindIndex(plain); at != nil {
				return "in Base64: a key or token"
			}
		}
	}
	return ""
}

// leaks returns the secrets that it finds in the daemon's log, in what the
// client printed for people, and in every file of the data directory but those
// that are made to hold one.
func (w *world) leaks() (found []string) {
	note := func(where, text string) {
		if l := w.leak(text); l != "" {
			found = append(found, where+": "+l)
		}
	}
	note("log", w.daemon.Text())
	note("messages of the client", w.seen.String())
	files := 0
	err := filepath.WalkDir(w.data, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || d.Name() == "admin.key" || d.Name() == "api.key" {
			return err
		}
		text, err := os.ReadFile(path)
		files++
		note(d.Name(), string(text))
		return err
	})
	if err != nil || files < 2 {
		found = append(found, fmt.Sprintf("nobody knows: %d files were looked at, %v", files, err))
	}
	return found
}

// leaksInMetrics returns the secrets in what Prometheus reads.
func (w *world) leaksInMetrics() []string {
	transport := w.transport(true)
	defer transport.CloseIdleConnections()
	response, err := (&http.Client{Transport: transport}).Get(w.url + "/metrics")
	if err != nil {
		return []string{"nobody knows: " + err.Error()}
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	switch l := w.leak(string(text)); {
	case err != nil || !strings.Contains(string(text), "conga_"):
		return []string{fmt.Sprintf("nobody knows: the metrics are %d bytes, %v", len(text), err)}
	case l != "":
		return []string{"metrics: " + l}
	}
	return nil
}
