package generators

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"testing"

	"generators/oapi"
)

// TestOAPICodegen asks for a path, changes it, gives it up and is refused, by
// the client that oapi-codegen makes.
func TestOAPICodegen(t *testing.T) {
	client := func(key string) *oapi.ClientWithResponses {
		bearer := func(_ context.Context, r *http.Request) error {
			if key != "" {
				r.Header.Set("Authorization", "Bearer "+key)
			}
			return nil
		}
		c, err := oapi.NewClientWithResponses(address(t), oapi.WithHTTPClient(trusting(t)), oapi.WithRequestEditorFn(bearer))
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	login, err := client("").RequestKeyWithResponse(t.Context(), oapi.Credentials{UserId: "abc123", ProjectId: "projectB"})
	if err != nil || login.JSON200 == nil {
		t.Fatal(err, string(login.Body))
	}
	c := client(login.JSON200.Results[0].ApiKey)
	rate, now, port := oapi.Bandwidth(5_000_000), oapi.StartTime{}, oapi.Port{}
	if err := errors.Join(now.FromStartTime1("now"), port.FromPort0(7001)); err != nil {
		t.Fatal(err)
	}
	made, err := c.CreateAllocationWithResponse(t.Context(), nil, oapi.AllocationCreation{
		ProjectId: "projectB", SrcIp: new(oapi.Address("10.0.0.1")), DstIp: new(oapi.Address("10.0.0.4")),
		Protocol: new(oapi.ProtocolTcp), DstPort: &port, StartTime: &now, Duration: new(oapi.Duration(600)), Bandwidth: &rate,
	})
	if err != nil || made.JSON201 == nil {
		t.Fatal(err, string(made.Body))
	}
	id := *made.JSON201.Results[0].AllocationId
	until(t, "active", func(ctx context.Context) bool {
		one, err := c.ShowAllocationWithResponse(ctx, id, nil)
		return err == nil && one.JSON200 != nil && one.JSON200.Results[0].State == oapi.Active && len(*one.JSON200.Results[0].Path) > 0
	})
	rate = 7_000_000
	changed, err := c.PatchAllocationWithResponse(t.Context(), id, nil, oapi.AllocationChange{Bandwidth: &rate})
	if err != nil || changed.JSON200 == nil || *changed.JSON200.Results[0].Bandwidth != rate {
		t.Error(err, string(changed.Body))
	}
	list, err := c.ListAllocationsWithResponse(t.Context(), nil)
	if err != nil || list.JSON200 == nil || !slices.ContainsFunc(list.JSON200.Results, func(a oapi.Allocation) bool { return *a.AllocationId == id }) {
		t.Error(err, string(list.Body))
	}
	gone, err := c.DeleteAllocationWithResponse(t.Context(), id, nil)
	if err != nil || gone.JSON200 == nil {
		t.Error(err, string(gone.Body))
	}
	refused, err := c.CreateAllocationWithResponse(t.Context(), nil, oapi.AllocationCreation{ProjectId: "projectB"})
	if err != nil || refused.JSONDefault == nil || refused.JSONDefault.Status != 422 || len(refused.JSONDefault.Errors) == 0 {
		t.Error(err, string(refused.Body))
	}
	switches, err := client(operatorsKey(t)).ListSwitchesWithResponse(t.Context(), nil)
	if err != nil || switches.JSON200 == nil || len(switches.JSON200.Results) != 4 {
		t.Error(err, string(switches.Body))
	}
}
