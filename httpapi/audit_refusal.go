package httpapi

import (
	"net/http"
	"regexp"
	"slices"
	"strings"

	"conga/httpapi/rest"
)

// maxBlamed is how many fields the audit log names of one refusal.
const maxBlamed = 8

// blamable are what a refusal may name as being at fault: fields and parameters
// of ours, and headers. Any other name is the client's own, and might be a
// secret that has slipped to where a name belongs.
var blamable = func() map[string]bool {
	known := map[string]bool{}
	for _, a := range attributes {
		known[a.name] = true
	}
	for name := range strings.FieldsSeq(`
		body query page per_page
		Content-Encoding Content-Type Idempotency-Key If-Match If-None-Match
		api_key connection connection_uuid deployment destination dpid events group index ip job name password
		pid port process_name rrule source timezone token url user webhook_id`) {
		known[name] = true
	}
	return known
}()

// element is one name of a path such as connections[3].source.port; where the
// body is an array, the first has an index alone.
var element = regexp.MustCompile(`^([A-Za-z_-]*)(?:\[[0-9]{1,9}\])?$`)

// refusalOf returns the audit log's text of a refusal: its status in words and
// the names of the fields at fault. The sentences are left out: they may quote
// the client.
func refusalOf(f *rest.Fault) string {
	text := strings.ToLower(http.StatusText(f.Status))
	var names []string
	for _, sentence := range f.Reasons {
		for _, name := range blamed(sentence) {
			if len(names) < maxBlamed && !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
		if len(names) == maxBlamed {
			break
		}
	}
	if len(names) == 0 {
		return text
	}
	return text + " (" + strings.Join(names, ", ") + ")"
}

// blamed returns the fields that a sentence of ours begins with; none if one of
// them is not known.
func blamed(sentence string) []string {
	before, _, ok := strings.Cut(sentence, ": ")
	if !ok {
		return nil
	}
	names := strings.Split(before, ", ")
	for _, name := range names {
		for part := range strings.SplitSeq(name, ".") {
			m := element.FindStringSubmatch(part)
			if m == nil || part == "" || m[1] != "" && !blamable[m[1]] {
				return nil
			}
		}
	}
	return names
}
