package httpapi_test

import (
	"encoding/json"
	"fmt"
	"testing"
)

// TestRateOfAStepIsAskedFor: the rate of another step is no news where all that
// was read is sent back, and one to keep where it alone is asked for.
func TestRateOfAStepIsAskedFor(t *testing.T) {
	h := newHarness(t)
	now := h.clock().Unix()
	h.create(fmt.Sprintf(`,"start_time":%d,"bandwidth":700000000,"protocol":"tcp","dst_port":1`, now+1000))
	made := h.want(201, "POST", "/api/allocations", fmt.Sprintf(`{"project_id":"projectB","src_ip":"192.127.1.10","dst_ip":"192.127.1.11",`+
		`"protocol":"tcp","dst_port":2,"volume":350000000000,"deadline":%d}`, now+7000), bearer(h.key))
	target := "/api/allocations/" + made.Results[0]["allocation_id"].(string)
	one := h.want(200, "GET", target, "", bearer(h.key)).Results[0]
	steps := one["profile"].([]any)
	if len(steps) != 3 {
		t.Fatalf("%v", steps)
	}
	other := steps[1].(map[string]any)["bandwidth"]
	one["bandwidth"] = other // as it will be read in a while
	text, err := json.Marshal(one)
	h.must(err)
	sent := h.want(200, "PUT", target, string(text), bearer(h.key)).Results[0]
	if len(sent["profile"].([]any)) != 3 {
		t.Errorf("sent back it is %v", sent)
	}
	h.want(422, "PATCH", target, fmt.Sprintf(`{"bandwidth":%.0f}`, other), bearer(h.key))
}
