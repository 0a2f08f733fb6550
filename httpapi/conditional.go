package httpapi

import (
	"hash/crc32"
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

// current reports whether a header names the allocation's revision. Its use may
// have changed meanwhile.
func current(header []string, a allocator.Allocation) bool {
	revision := strconv.FormatUint(a.Revision, 10)
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
// of an allocation that exists.
func mayChange(h http.Header, a allocator.Allocation) error {
	if wanted := h.Values("If-Match"); len(wanted) > 0 && !current(wanted, a) {
		return rest.NewFault(http.StatusPreconditionFailed,
			"If-Match: the allocation has changed; its revision is "+strconv.FormatUint(a.Revision, 10)+" now")
	}
	if unwanted := h.Values("If-None-Match"); len(unwanted) > 0 && current(unwanted, a) {
		return rest.NewFault(http.StatusPreconditionFailed, "If-None-Match: there is such an allocation")
	}
	return nil
}

// unchanged evaluates the preconditions of reading an allocation. It reports
// whether the client has this answer already.
func unchanged(h http.Header, a allocator.Allocation, etag string) (bool, error) {
	if wanted := h.Values("If-Match"); len(wanted) > 0 && !current(wanted, a) {
		return false, rest.NewFault(http.StatusPreconditionFailed, "If-Match: the allocation has changed; it is "+etag+" now")
	}
	return names(h.Values("If-None-Match"), func(tag string) bool { return strings.TrimPrefix(tag, "W/") == etag }), nil
}
