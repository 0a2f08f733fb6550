package client_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	"conga/httpapi/client"
)

// TestMaintenance: each method asks for what it is about, and what enters or
// ends something may be sent again.
func TestMaintenance(t *testing.T) {
	var asked []string
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		asked = append(asked, fmt.Sprintf("%s %s %s %v", r.Method, r.URL, body, r.Header.Get("Idempotency-Key") != ""))
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, `{"status":0,"results":[{"maintenance_id":"m1","switch":"0000000000000001","state":"planned","start_time":5,"end_time":9,
			"allocations":[{"allocation_id":"a","project_id":"p","outcome":"moves","moves":[{"time":4,"path":[{"dpid":"0000000000000002","in_port":1,"out_port":2}]}]}]}],"errors":[]}`)
	}))
	defer s.Close()
	c, err := client.New(client.Config{BaseURL: s.URL, Key: "conga_x"})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	r := client.MaintenanceRequest{Switch: "1", StartTime: 5, EndIn: new(int64(60)), Note: "fans"}
	m, err := c.Maintain(t.Context(), r)
	if err != nil || m.ID != "m1" || *m.Switch != "0000000000000001" || m.Allocations[0].Moves[0].Path[0].Out != 2 {
		t.Errorf("maintain: %+v, %v", m, err)
	}
	if m, err := c.RehearseMaintenance(t.Context(), client.MaintenanceRequest{Link: "x", EndTime: 9}); err != nil || m.State != "planned" {
		t.Errorf("rehearse: %+v, %v", m, err)
	}
	if list, err := c.Maintenances(t.Context(), "planned"); err != nil || len(list) != 1 {
		t.Errorf("list: %+v, %v", list, err)
	}
	if m, err := c.EndMaintenance(t.Context(), "m/1"); err != nil || m.EndTime != 9 {
		t.Errorf("end: %+v, %v", m, err)
	}
	want := []string{
		`POST /api/v1/maintenance {"switch":"1","note":"fans","start_time":5,"end_time":"+60"} true`,
		`POST /api/v1/maintenance?dry_run=true {"link":"x","end_time":9} false`,
		`GET /api/v1/maintenance?per_page=1000&state=planned  false`,
		`DELETE /api/v1/maintenance/m%2F1  true`,
	}
	if !slices.Equal(asked, want) {
		t.Errorf("asked %q, want %q", asked, want)
	}
}
