package generators

import (
	"context"
	"slices"
	"testing"

	"generators/ogen"

	"github.com/ogen-go/ogen/ogenerrors"
)

// A bearer shows a key in the header.
type bearer string

func (b bearer) Bearer(context.Context, ogen.OperationName) (ogen.Bearer, error) {
	if b == "" {
		return ogen.Bearer{}, ogenerrors.ErrSkipClientSecurity
	}
	return ogen.Bearer{Token: string(b)}, nil
}

func (bearer) CookieAuth(context.Context, ogen.OperationName) (ogen.CookieAuth, error) {
	return ogen.CookieAuth{}, ogenerrors.ErrSkipClientSecurity
}

func (bearer) Header(context.Context, ogen.OperationName) (ogen.Header, error) {
	return ogen.Header{}, ogenerrors.ErrSkipClientSecurity
}

// answer fails the test unless an operation answered with an A.
func answer[A any](t *testing.T, got any, err error) A {
	t.Helper()
	a, ok := got.(A)
	if !ok {
		t.Fatalf("%T %+v, %v", got, got, err)
	}
	return a
}

// TestOgen does by the client that ogen makes, which checks all answers against
// the document, what TestOAPICodegen does.
func TestOgen(t *testing.T) {
	client := func(key bearer) *ogen.Client {
		c, err := ogen.NewClient(address(t), key, ogen.WithClient(trusting(t)))
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	login, err := client("").RequestKey(t.Context(), &ogen.Credentials{UserID: "abc123", ProjectID: "projectB"})
	c := client(bearer(answer[*ogen.KeyResponse](t, login, err).Results[0].APIKey))
	creation := ogen.AllocationCreation{
		ProjectID: "projectB", SrcIP: ogen.NewOptAddress("10.0.0.1"), DstIP: ogen.NewOptAddress("10.0.0.4"),
		Protocol: ogen.NewOptNilProtocol("tcp"), DstPort: ogen.NewOptPort(ogen.NewIntPort(7002)),
		StartTime: ogen.NewOptStartTime(ogen.NewStringStartTime("now")), Duration: ogen.NewOptDuration(600),
		Bandwidth: ogen.NewOptNilBandwidth(5_000_000),
	}
	result, err := c.CreateAllocation(t.Context(), &creation, ogen.CreateAllocationParams{})
	id := answer[*ogen.CreateAllocationCreatedHeaders](t, result, err).Response.Results[0].AllocationID.Value
	until(t, "active", func(ctx context.Context) bool {
		got, err := c.ShowAllocation(ctx, ogen.ShowAllocationParams{AllocationID: id})
		a := answer[*ogen.AllocationResponseHeaders](t, got, err).Response.Results[0]
		return a.State == ogen.StateActive && len(a.Path) > 0
	})
	change := ogen.AllocationChange{Bandwidth: ogen.NewOptNilBandwidth(7_000_000)}
	changed, err := c.PatchAllocation(t.Context(), &change, ogen.PatchAllocationParams{AllocationID: id})
	if a := answer[*ogen.AllocationResponseHeaders](t, changed, err).Response.Results[0]; a.Bandwidth.Value != 7_000_000 {
		t.Errorf("%+v", a)
	}
	listed, err := c.ListAllocations(t.Context(), ogen.ListAllocationsParams{})
	list := answer[*ogen.ListAllocationsOKHeaders](t, listed, err).Response.Results
	if !slices.ContainsFunc(list, func(a ogen.Allocation) bool { return a.AllocationID.Value == id }) {
		t.Errorf("%+v", list)
	}
	gone, err := c.DeleteAllocation(t.Context(), ogen.DeleteAllocationParams{AllocationID: id})
	if _, refused := gone.(*ogen.RefusedResponseStatusCodeWithHeaders); err != nil || refused {
		t.Errorf("%+v, %v", gone, err)
	}
	result, err = c.CreateAllocation(t.Context(), &ogen.AllocationCreation{ProjectID: "projectB"}, ogen.CreateAllocationParams{})
	if r := answer[*ogen.RefusedResponseStatusCodeWithHeaders](t, result, err); r.StatusCode != 422 || len(r.Response.Errors) == 0 {
		t.Errorf("%+v", r)
	}
	switches, err := client(bearer(operatorsKey(t))).ListSwitches(t.Context(), ogen.ListSwitchesParams{})
	if list := answer[*ogen.ListSwitchesOKHeaders](t, switches, err).Response.Results; len(list) != 4 {
		t.Errorf("%+v", list)
	}
}
