package connections

import (
	"encoding/json"
	"fmt"
	"strconv"

	"conga/allocator/store"
)

// recordVersion is the form of the records below. A change of the form raises
// it; reports in another form are dropped at the start, as they would soon
// expire anyway.
const recordVersion = 1

// A record is a connection as it is kept in the store, under its number in
// order of arrival: what one host reports together lies together, and is
// written and deleted together.
type record struct {
	Version int    `json:"v"`
	Project string `json:"project"`
	Report
	First int64 `json:"first"`
	Last  int64 `json:"last"`
}

func recordKey(seq uint64) string { return fmt.Sprintf("%016x", seq) }

func encode(seq uint64, c *Connection) (store.Op, error) {
	value, err := json.Marshal(record{recordVersion, c.Project, c.Report, c.FirstSeen, c.LastSeen})
	return store.Op{Bucket: store.Connections, Key: recordKey(seq), Value: value}, err
}

// CheckRecord returns a [store.RecordError] if a record of [store.Connections]
// cannot be read.
func CheckRecord(key string, value []byte) error {
	_, _, err := decode(key, value)
	return err
}

func decode(key string, value []byte) (seq uint64, c *Connection, err error) {
	if seq, c, err = parse(key, value); err != nil {
		err = store.Unreadable(store.Connections, key, err)
	}
	return seq, c, err
}

func parse(key string, value []byte) (seq uint64, c *Connection, err error) {
	var r record
	if seq, err = strconv.ParseUint(key, 16, 64); err != nil || recordKey(seq) != key {
		return 0, nil, fmt.Errorf("key %q is not a number of ours", key)
	}
	if err := store.Unmarshal(value, &r); err != nil {
		return seq, nil, err
	}
	k := r.FlowKey()
	switch {
	case r.Version != recordVersion:
		return seq, nil, fmt.Errorf("version %d; this program reads version %d", r.Version, recordVersion)
	case r.Project == "" || r.First > r.Last || !k.Src.IsValid() || !k.Dst.IsValid() || k.Src.Is4() != k.Dst.Is4():
		return seq, nil, fmt.Errorf("it is no report of ours")
	}
	return seq, &Connection{r.identity(r.Project), r.Project, r.Report, r.First, r.Last}, nil
}
