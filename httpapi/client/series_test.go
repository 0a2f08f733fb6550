package client

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"testing"
)

// TestSeries: a series is asked for, validated and released as the interface
// has it, and a refusal tells which occurrences do not fit.
func TestSeries(t *testing.T) {
	var asked []string
	refuse := false
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		asked = append(asked, r.Method+" "+r.RequestURI+" "+string(body))
		switch {
		case refuse:
			w.WriteHeader(409)
			fmt.Fprint(w, `{"status":409,"results":[],"errors":["no"],"occurrences":[{"start_time":1,"end_time":2,"bottleneck":"l","interval":{"start_time":1,"end_time":3},"reason":"full"}],`+
				`"alternatives":[{"project_id":"p","src_ip":"a","dst_ip":"b","duration":1,"start_time":5,"recurrence":{"rrule":"FREQ=DAILY;COUNT=1","timezone":"UTC"}}]}`)
		case r.Method == http.MethodDelete:
			fmt.Fprint(w, `{"status":0,"results":[{"allocation_id":"x"},{"allocation_id":"y"}],"errors":[]}`)
		default:
			fmt.Fprint(w, `{"status":0,"results":[{"series":"s","recurrence":{"rrule":"FREQ=DAILY;COUNT=2","timezone":"UTC"},"notes":["n"],"occurrences":[{"allocation_id":"x","state":"pending","start_time":1,"end_time":2}]}],"errors":[]}`)
		}
	})
	r := Request{ProjectID: "p", SrcIP: "a", DstIP: "b", Duration: 1, StartTime: 5, Recurrence: &Recurrence{Rule: "FREQ=DAILY;COUNT=2"}}
	for _, call := range []func() (Series, error){
		func() (Series, error) { return c.AllocateSeries(t.Context(), r) },
		func() (Series, error) { return c.ValidateSeries(t.Context(), r) },
	} {
		s, err := call()
		if err != nil || s.ID != "s" || s.Recurrence.Rule != "FREQ=DAILY;COUNT=2" || s.Notes[0] != "n" || s.Occurrences[0].ID != "x" || *s.Occurrences[0].EndTime != 2 {
			t.Errorf("%+v, %v", s, err)
		}
	}
	gone, err := c.ReleaseSeries(t.Context(), "s/1")
	if err != nil || !slices.Equal(gone, []string{"x", "y"}) {
		t.Errorf("%v, %v", gone, err)
	}
	body := `{"project_id":"p","src_ip":"a","dst_ip":"b","duration":1,"recurrence":{"rrule":"FREQ=DAILY;COUNT=2"},"start_time":5}`
	if want := []string{"POST /api/v1/allocations " + body, "POST /api/v1/allocations?validate=true " + body, "DELETE /api/v1/series/s%2F1 "}; !slices.Equal(asked, want) {
		t.Errorf("asked %q, want %q", asked, want)
	}
	refuse = true
	_, err = c.AllocateSeries(t.Context(), r)
	e, ok := errors.AsType[*Error](err)
	if !ok || len(e.Occurrences) != 1 || e.Occurrences[0].InTheWay.EndTime != 3 || e.Occurrences[0].Reason != "full" || e.Alternatives[0].Recurrence.Rule != "FREQ=DAILY;COUNT=1" {
		t.Errorf("%+v", err)
	}
}
