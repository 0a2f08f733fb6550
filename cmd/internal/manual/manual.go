// Package manual writes manual pages: of commands as cobra knows them, and of
// texts in Markdown.
package manual

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/cpuguy83/go-md2man/v2/md2man"
	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"

	"conga/cmd/internal/version"
)

// Commands writes a page for root and for each command below it into dir, which
// it makes if there is none.
func Commands(root *cobra.Command, section, dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("manual pages: %w", err)
	}
	date := sourceDate(os.Getenv("SOURCE_DATE_EPOCH"))
	root.DisableAutoGenTag = true
	header := &doc.GenManHeader{Section: section, Source: "conga " + version.Get().Version, Manual: "CONGA", Date: &date}
	if err := doc.GenManTree(root, header, dir); err != nil {
		return fmt.Errorf("manual pages: %w", err)
	}
	return nil
}

// Text writes the page name(section) into dir, which there must be. The text is
// Markdown without a title.
func Text(name, section, text, dir string) error {
	date := sourceDate(os.Getenv("SOURCE_DATE_EPOCH"))
	title := fmt.Sprintf("%% %q %q %q %q %q\n\n", name, section, date.Format("Jan 2006"), "conga "+version.Get().Version, "CONGA")
	page := md2man.Render([]byte(title + text))
	if err := os.WriteFile(filepath.Join(dir, name+"."+section), page, 0o644); err != nil {
		return fmt.Errorf("manual pages: %w", err)
	}
	return nil
}

// sourceDate returns the date on the pages: that of the source, so that the
// same source gives the same pages. epoch, in UNIX seconds, goes before what the
// build has noted.
func sourceDate(epoch string) time.Time {
	if seconds, err := strconv.ParseInt(epoch, 10, 64); err == nil {
		return time.Unix(seconds, 0).UTC()
	}
	return cmp.Or(version.Get().Date, time.Now())
}
