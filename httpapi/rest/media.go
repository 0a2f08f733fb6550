package rest

import (
	"fmt"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// The media types of requests and answers.
const (
	TypeJSON       = "application/json"
	TypeVendor     = "application/vnd.conga+json"
	TypeProblem    = "application/problem+json"     // RFC 9457
	TypeMergePatch = "application/merge-patch+json" // RFC 7396
)

// VersionedVendor is TypeVendor as answers name it.
const VersionedVendor = TypeVendor + "; version=1.0"

// Accepts reports whether the Accept header names kind, in version 1.0 or
// without a version. Wildcards do not count: they ask for no special form.
func Accepts(h http.Header, kind string) bool {
	for _, header := range h.Values("Accept") {
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

// AnswerType returns the media type of an envelope for a request with header h.
func AnswerType(h http.Header) string {
	if Accepts(h, TypeVendor) {
		return VersionedVendor
	}
	return TypeJSON
}

// CheckContent returns a Fault unless the header announces JSON, or one of the
// types in also. A body without a Content-Type is taken for JSON.
func CheckContent(h http.Header, also ...string) error {
	if enc := h.Get("Content-Encoding"); enc != "" && enc != "identity" {
		return NewFault(http.StatusUnsupportedMediaType, "Content-Encoding: send the body without compression")
	}
	text := h.Get("Content-Type")
	if text == TypeJSON || text == "" { // the usual case
		return nil
	}
	bad := func(format string, args ...any) error {
		return NewFault(http.StatusUnsupportedMediaType, "Content-Type: "+fmt.Sprintf(format, args...))
	}
	media, params, err := mime.ParseMediaType(text)
	if slices.Contains(also, media) {
		media = TypeJSON
	}
	switch {
	case err != nil || media != TypeJSON && media != TypeVendor:
		return bad("%s is needed, not %s", TypeJSON, Quote(text))
	case params["charset"] != "" && !strings.EqualFold(params["charset"], "utf-8"):
		return bad("only UTF-8 is understood, not %s", Quote(params["charset"]))
	case media == TypeVendor && params["version"] != "" && params["version"] != "1.0":
		return bad("only version 1.0 of %s is known, not %s", TypeVendor, Quote(params["version"]))
	}
	return nil
}

// Quote returns text from a request as it stands in sentences: quoted, and cut
// off after 64 bytes.
func Quote(s string) string {
	const most = 64
	if len(s) > most {
		return strconv.Quote(s[:most]) + "…"
	}
	return strconv.Quote(s)
}
