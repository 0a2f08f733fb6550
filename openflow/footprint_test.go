package openflow

import (
	"runtime"
	"slices"
	"testing"
)

// laden holds, of every list that a reply can be, an element that becomes
// much more in memory than it is on the wire.
var laden = map[string]MultipartReplyBody{
	"flow entries without a match":   FlowStatsReply{{}},
	"flow entries with instructions": FlowStatsReply{{Instructions: slices.Repeat([]Instruction{GotoTable(1)}, 100)}},
	"flow entries with actions":      FlowStatsReply{{Instructions: []Instruction{ApplyActions(make([]Action, 100)...)}}},
	"flow entries with fields":       FlowStatsReply{{Match: emptyFields(100)}},
	"tables":                         TableStatsReply{{}},
	"ports":                          PortStatsReply{{}},
	"port descriptions":              PortDescReply{{}},
	"queues":                         QueueStatsReply{{}},
	"groups":                         GroupStatsReply{{Buckets: make([]BucketCounter, 1)}},
	"group descriptions":             GroupDescReply{{Buckets: []Bucket{{Actions: make([]Action, 1)}}}},
	"groups without buckets":         GroupDescReply{{}},
	"meters":                         MeterStatsReply{{Bands: make([]BandCounter, 1)}},
	"meters without bands":           MeterConfigReply{{}},
	"meters with bands":              MeterConfigReply{{Bands: make([]MeterBand, 1)}},
	"table properties":               TableFeaturesReply{{Properties: make([]TableProperty, 100)}},
	"fields of tables":               TableFeaturesReply{{Properties: []TableProperty{{Type: TablePropMatch, Fields: make([]OXMID, 100)}}}},
	"actions of tables":              TableFeaturesReply{{Properties: []TableProperty{{Type: TablePropApplyActions, Actions: make([]ActionID, 100)}}}},
}

func emptyFields(n int) (m Match) {
	for i := range n {
		m = append(m, NewOXM(OXMClass(0x1234), uint8(i), nil, nil))
	}
	return m
}

// fill returns a message of n bytes nearly, of the body's elements again and
// again.
func fill(t *testing.T, body MultipartReplyBody, n int) []byte {
	t.Helper()
	b, err := Append(nil, 1, NewMultipartReply(body))
	if err != nil {
		t.Fatal(err)
	}
	const head = HeaderLen + 8
	element := b[head:]
	for len(b)+len(element) < n {
		b = append(b, element...)
	}
	b[2], b[3] = byte(len(b)>>8), byte(len(b))
	return b
}

// What a reply costs to be read is what it says to take in memory, and little
// beyond.
func TestFootprint(t *testing.T) {
	for name, body := range laden {
		b := fill(t, body, MaxLen)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, m, err := Parse(b)
		runtime.ReadMemStats(&after)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		cost, told := int(after.TotalAlloc-before.TotalAlloc), m.(*MultipartReply).Footprint()+len(b)
		t.Logf("%s: %d bytes on the wire, %d in memory, %d allocated", name, len(b), told, cost)
		if most := 2*told + 64<<10; cost > most {
			t.Errorf("%s: %d bytes on the wire take %d; the footprint is %d", name, len(b), cost, told)
		}
	}
}
