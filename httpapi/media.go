package httpapi

import (
	"fmt"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"
)

// accepts reports whether the client names kind in its Accept header, in
// version 1.0 or without a version. Wildcards do not count: who does not ask
// for a special form gets application/json.
func accepts(c *gin.Context, kind string) bool {
	for _, header := range c.Request.Header.Values("Accept") {
		for item := range strings.SplitSeq(header, ",") {
			if !strings.Contains(item, kind) {
				continue
			}
			media, params, err := mime.ParseMediaType(item)
			if err != nil || media != kind {
				continue
			}
			q, err := strconv.ParseFloat(params["q"], 64)
			refused := params["q"] != "" && (err != nil || q <= 0)
			if version := params["version"]; !refused && (version == "" || version == "1.0") {
				return true
			}
		}
	}
	return false
}

// checkContent refuses a body that is not JSON by its own account, nor of a kind
// that will do as well.
func checkContent(h http.Header, also ...string) error {
	if enc := h.Get("Content-Encoding"); enc != "" && enc != "identity" {
		return &fault{status: http.StatusUnsupportedMediaType, errs: []string{"Content-Encoding: send the body without compression"}}
	}
	bad := func(format string, args ...any) error {
		return &fault{status: http.StatusUnsupportedMediaType, errs: []string{"Content-Type: " + fmt.Sprintf(format, args...)}}
	}
	text := h.Get("Content-Type")
	if text == typeJSON { // nearly always
		return nil
	}
	if text == "" { // nothing else is taken here, and some clients never say what they send
		return nil
	}
	media, params, err := mime.ParseMediaType(text)
	if slices.Contains(also, media) {
		media = typeJSON
	}
	switch {
	case err != nil || media != typeJSON && media != typeVendor:
		return bad("%s is needed, not %s", typeJSON, quote(text))
	case params["charset"] != "" && !strings.EqualFold(params["charset"], "utf-8"):
		return bad("only UTF-8 is understood, not %s", quote(params["charset"]))
	case media == typeVendor && params["version"] != "" && params["version"] != "1.0":
		return bad("only version 1.0 of %s is known, not %s", typeVendor, quote(params["version"]))
	}
	return nil
}

// quote prints foreign text in an error: quoted, and not at any length.
func quote(s string) string {
	const most = 64
	if len(s) > most {
		return strconv.Quote(s[:most]) + "…"
	}
	return strconv.Quote(s)
}
