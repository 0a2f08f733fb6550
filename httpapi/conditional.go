package httpapi

import (
	"fmt"
	"hash/crc32"
	"hash/fnv"
	"net/http"
	"strconv"
	"strings"

	"conga/allocator"
	"conga/httpapi/rest"
)

// etagOf returns a strong validator of an allocation as it is shown: its
// revision, which grows with every change, and its use, reason and receipt,
// which change without one.
func etagOf(a allocator.Allocation, u usage) string {
	tag := append(make([]byte, 0, 48), '"')
	tag = strconv.AppendUint(tag, a.Revision, 10)
	if u.reported != unreported {
		tag = strconv.AppendInt(append(tag, '.'), int64(u.reported), 10)
	}
	tag = append(tag, [...]string{unknown: "", unused: ".n", used: ".u"}[u.use]...)
	if reason := reasonOf(a, u); reason != "" { // which may follow from the clock and the network
		tag = strconv.AppendUint(append(tag, ".r"...), uint64(crc32.ChecksumIEEE([]byte(reason))), 36)
	}
	if isDegraded(a, u.losing) {
		tag = append(tag, ".d"...)
	}
	if u.receipt != nil { // which is not final at once
		tag = strconv.AppendUint(append(tag, ".f"...), uint64(crc32.ChecksumIEEE(u.receipt)), 36)
	}
	return string(append(tag, '"'))
}

// A version is what a change may be conditional on, and what a reader may have.
type version struct {
	what     string // is changed or read
	revision string // with which each of its entity tags begins
	now      string // of which revision it is, in words for the user
}

func versionOf(a allocator.Allocation) version {
	revision := strconv.FormatUint(a.Revision, 10)
	return version{"allocation", revision, "its revision is " + revision + " now"}
}

// versionOfSeries returns that of what is not complete of a series, which is
// another when one of it changes, or is complete.
func versionOfSeries(list []allocator.Allocation) version {
	sum := fnv.New64a()
	for _, a := range list {
		fmt.Fprintf(sum, "%s %d\n", a.ID, a.Revision)
	}
	return version{"series", "s" + strconv.FormatUint(sum.Sum64(), 36), "read it again"}
}

// etagOfSeries returns a strong validator of a series as it is shown: its
// revision, and why some of it has no window, which changes without one.
func etagOfSeries(list []allocator.Allocation) string {
	sum, some := fnv.New64a(), false
	for _, a := range list {
		if a.Window == (allocator.Window{}) {
			fmt.Fprintf(sum, "%s %s\n", a.ID, a.Reason)
			some = true
		}
	}
	tag := versionOfSeries(list).revision
	if some {
		tag += ".r" + strconv.FormatUint(sum.Sum64(), 36)
	}
	return `"` + tag + `"`
}

// current reports whether a header names a revision. What is shown besides may
// have changed meanwhile.
func current(header []string, revision string) bool {
	return names(header, func(tag string) bool {
		tag, ok := strings.CutPrefix(tag, `"`+revision)
		return ok && (strings.HasPrefix(tag, ".") || tag == `"`) && strings.HasSuffix(tag, `"`)
	})
}

// names reports whether a list of entity tags holds one that is wanted, or *.
func names(header []string, wanted func(tag string) bool) bool {
	for _, list := range header {
		for tag := range strings.SplitSeq(list, ",") {
			if tag = strings.TrimSpace(tag); tag == "*" || wanted(tag) {
				return true
			}
		}
	}
	return false
}

// mayChange evaluates the preconditions of a change (RFC 9110, section 13.2.2)
// of what exists.
func mayChange(h http.Header, v version) error {
	if wanted := h.Values("If-Match"); len(wanted) > 0 && !current(wanted, v.revision) {
		return rest.NewFault(http.StatusPreconditionFailed, "If-Match: the "+v.what+" has changed; "+v.now)
	}
	if unwanted := h.Values("If-None-Match"); len(unwanted) > 0 && current(unwanted, v.revision) {
		return rest.NewFault(http.StatusPreconditionFailed, "If-None-Match: the "+v.what+" is there")
	}
	return nil
}

// unchanged evaluates the preconditions of reading. It reports whether the
// client has this answer already.
func unchanged(h http.Header, v version, etag string) (bool, error) {
	if wanted := h.Values("If-Match"); len(wanted) > 0 && !current(wanted, v.revision) {
		return false, rest.NewFault(http.StatusPreconditionFailed, "If-Match: the "+v.what+" has changed; it is "+etag+" now")
	}
	return names(h.Values("If-None-Match"), func(tag string) bool { return strings.TrimPrefix(tag, "W/") == etag }), nil
}

// answerUnlessKnown sends an answer with an entity tag, or that the client has
// it already.
func (x *exchange) answerUnlessKnown(v version, r rest.Reply) error {
	etag := r.Header["ETag"]
	known, err := unchanged(x.Request.Header, v, etag)
	if err != nil {
		return err
	}
	if known {
		x.Header("ETag", etag)
		x.Status(http.StatusNotModified)
		x.Writer.WriteHeaderNow()
		return nil
	}
	return r.Send(x.Context)
}
