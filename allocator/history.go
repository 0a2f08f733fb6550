package allocator

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	"conga/allocator/store"
)

// What is complete is kept in the store alone, in the bucket of history:
//
//	r seq             the record
//	i ID              its sequence number
//	p project seq     the ID: what a project has, in order of creation
//	e done seq        nothing: what is to be removed first, see Prune
//	c project block   how many of a project, or of all (""), are in a block of sequence numbers
//	t project         how many of a project, or of all, there are
//
// Numbers are eight bytes, the highest first, so that keys are in their order.
// A project is preceded by its length. The counts are counters of the store:
// they change in the transaction that moves a record.

// historyBlock is how many sequence numbers share a count. A page is found by
// the counts of the blocks before it, and by reading one block.
const historyBlock = 1024

func number(n uint64) string { return string(binary.BigEndian.AppendUint64(nil, n)) }

// numberOf returns the number at the end of a key.
func numberOf(key string) uint64 {
	if len(key) < 8 {
		return 0
	}
	return binary.BigEndian.Uint64([]byte(key[len(key)-8:]))
}

func recordKey(seq uint64) string { return "r" + number(seq) }
func indexKey(id string) string   { return "i" + id }
func doneKey(done Seconds, seq uint64) string {
	return "e" + number(uint64(max(done, 0))) + number(seq)
}

// projectKey returns how the keys of a project begin in one of the parts of the
// bucket.
func projectKey(part, project string) string {
	return part + string(binary.BigEndian.AppendUint32(nil, uint32(len(project)))) + project
}

// after returns the range of keys that begin with prefix, from the number on.
func after(prefix string, from uint64) store.Span {
	end := []byte(prefix)
	for i := len(end) - 1; i >= 0; i-- {
		if end[i]++; end[i] != 0 {
			break
		}
	}
	return store.Span{From: prefix + number(from), To: string(end)}
}

// intoHistory returns the operations that put a record into the history.
func (r *record) intoHistory() ([]store.Op, error) {
	value, err := r.encode()
	if err != nil {
		return nil, err
	}
	set := func(key, value string) store.Op {
		return store.Op{Bucket: store.History, Key: key, Value: []byte(value)}
	}
	return append(r.counts(1),
		set(recordKey(r.Seq), string(value)), set(indexKey(r.ID), number(r.Seq)),
		set(projectKey("p", r.ProjectID)+number(r.Seq), r.ID), set(doneKey(r.Done, r.Seq), "")), nil
}

// outOfHistory returns the operations that undo those of intoHistory.
func (r *record) outOfHistory() []store.Op {
	ops := r.counts(-1)
	for _, key := range []string{recordKey(r.Seq), indexKey(r.ID), projectKey("p", r.ProjectID) + number(r.Seq), doneKey(r.Done, r.Seq)} {
		ops = append(ops, store.Op{Bucket: store.History, Key: key})
	}
	return ops
}

// counts returns the operations that add by to the counts of a record's
// history.
func (r *record) counts(by int64) []store.Op {
	var ops []store.Op
	for _, project := range []string{"", r.ProjectID} {
		ops = append(ops,
			store.Op{Bucket: store.History, Key: projectKey("c", project) + number(r.Seq/historyBlock), Add: by},
			store.Op{Bucket: store.History, Key: projectKey("t", project), Add: by})
	}
	return ops
}

// completed is how many complete allocations there are, by project, and in all
// for "". It is kept here so that a list knows its length without the store.
type completed map[string]int

func (p completed) count(project string, by int) {
	for _, k := range []string{"", project} {
		if p[k] += by; p[k] == 0 {
			delete(p, k)
		}
	}
}

// readByID reads a complete allocation from the store and returns it; nil if
// there is none.
func (a *Allocator) readByID(ctx context.Context, id string) (*record, *Error) {
	if id == "" {
		return nil, nil
	}
	seq, err := a.cfg.Store.Get(ctx, store.History, indexKey(id))
	if err != nil || seq == nil {
		return nil, a.unread(err)
	}
	r, unread := a.readRecord(ctx, numberOf(string(seq)))
	if r != nil && r.ID != id {
		return nil, a.unread(store.Unreadable(store.History, indexKey(id), fmt.Errorf("it leads to allocation %q", r.ID)))
	}
	return r, unread
}

// readRecord reads the record with a sequence number from the history and
// returns it; nil if there is none.
func (a *Allocator) readRecord(ctx context.Context, seq uint64) (*record, *Error) {
	value, err := a.cfg.Store.Get(ctx, store.History, recordKey(seq))
	if err != nil || value == nil {
		return nil, a.unread(err)
	}
	r, err := decodeHistoric(seq, value)
	return r, a.unread(err)
}

// readListed does as readRecord for a list, which goes on without a record that
// is damaged: that is nil, too, and the log says so.
func (a *Allocator) readListed(ctx context.Context, seq uint64) (*record, *Error) {
	r, err := a.readRecord(ctx, seq)
	if err != nil && err.Err == errDamaged {
		return nil, nil
	}
	return r, err
}

// decodeHistoric returns the record that the history has under a sequence
// number. The error names the number, since the ID may be what is damaged.
func decodeHistoric(seq uint64, value []byte) (*record, error) {
	r := new(record)
	err := new(decoder).read(r, "", value)
	switch {
	case err != nil:
	case r.Seq != seq:
		err = fmt.Errorf("it is number %d", r.Seq)
	case r.State != Complete:
		err = fmt.Errorf("it is %s", r.State)
	}
	if err != nil {
		return nil, &store.RecordError{What: fmt.Sprintf("number %d of the history", seq), Err: err}
	}
	return r, nil
}

var (
	errUnread  = errors.New("the allocations that are complete cannot be read now; try again later")
	errDamaged = errors.New("the record of this allocation is damaged; an operator finds it with congad store check")
)

// unread returns the error of what cannot be read, nil for nil; its cause goes
// to the log.
func (a *Allocator) unread(err error) *Error {
	if err == nil {
		return nil
	}
	if !errors.Is(err, context.Canceled) {
		a.cfg.Log.Error("complete allocations could not be read", "err", err)
	}
	if _, ok := errors.AsType[*store.RecordError](err); ok {
		return &Error{Kind: Internal, Err: errDamaged}
	}
	return &Error{Kind: Internal, Err: errUnread}
}

// loadHistory reads how many complete allocations there are, and the last
// number given to one of them. Records that cannot be read stay where they are,
// since only a request for one of them needs it.
func (a *Allocator) loadHistory(ctx context.Context) error {
	var out store.LeftOut
	if err := a.loadCounts(ctx, &out); err != nil {
		return err
	}
	last := store.Span{From: "r", To: "s", Backward: true}
	err := a.cfg.Store.Range(ctx, store.History, last, func(key string, value []byte) error {
		seq := numberOf(key)
		a.seq = max(a.seq, seq)
		r, err := decodeHistoric(seq, value)
		if err != nil {
			out.Add(store.History, key, err)
			return nil
		}
		a.revision = max(a.revision, r.Revision)
		return store.ErrStop
	})
	out.Warn(a.cfg.Log)
	return err
}
