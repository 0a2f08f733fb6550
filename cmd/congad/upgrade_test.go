package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"reflect"
	"slices"
	"testing"
	"time"

	"conga/allocator"
	"conga/allocator/store"
	"conga/allocator/store/storetest"
	"conga/controller/topology"
	"conga/openflow"
	"conga/stats"
)

// upgradedAt is when the records of testdata/upgrade/v1.txt are read: some
// seconds after a daemon of the first version wrote them.
const upgradedAt = 1795970510

// A crashing is a store that fails for good after so many commits.
type crashing struct {
	store.Store
	commits int
}

func (c *crashing) Commit(ctx context.Context, ops ...store.Op) error {
	if c.commits--; c.commits < 0 {
		return errors.New("power lost")
	}
	return c.Store.Commit(ctx, ops...)
}

// A still is a network in which nothing is known.
type still struct{}

func (still) Snapshot() *topology.Snapshot { return &topology.Snapshot{} }

func (still) AskAll(context.Context, openflow.DPID, ...*openflow.MultipartRequest) ([]openflow.MultipartReplyBody, error) {
	return nil, errors.New("no switch is there")
}

// upgraded opens the allocator and the statistics over a store, as the daemon
// does.
func upgraded(ctx context.Context, disk store.Store) (*allocator.Allocator, *stats.Poller, error) {
	a, err := allocator.Open(ctx, allocator.Config{
		Store: disk, Network: still{}.Snapshot, Now: func() time.Time { return time.Unix(upgradedAt, 0) },
	})
	if err != nil {
		return nil, nil, err
	}
	p, err := stats.New(ctx, stats.Config{
		Source: still{}, Archive: archive{disk}, Owner: owners(a),
	})
	return a, p, err
}

// TestUpgrade reads a store of the first version, with a loss of power after
// each of the commits that bring it to the present form: nothing is lost, and
// nothing is there twice.
func TestUpgrade(t *testing.T) {
	text, err := os.ReadFile("testdata/upgrade/v1.txt")
	if err != nil {
		t.Fatal(err)
	}
	for crash, done := 0, false; !done; crash++ {
		disk := storetest.NewMemory()
		want := plant(t, disk, text)
		_, _, err := upgraded(t.Context(), &crashing{disk, crash})
		done = err == nil
		for range 2 {
			a, p, err := upgraded(t.Context(), disk)
			if err != nil {
				t.Fatal(err)
			}
			checkUpgraded(t, a, p, want)
		}
		if done && crash < 2 {
			t.Errorf("%d commits were enough for allocations and receipts", crash)
		}
	}
}

// plant writes the records into a store and returns the allocations, by
// creation.
func plant(t *testing.T, disk store.Store, text []byte) (want []allocator.Allocation) {
	t.Helper()
	seqs := map[string]uint64{}
	for line := range bytes.Lines(text) {
		part := bytes.SplitN(bytes.TrimSpace(line), []byte(" "), 3)
		op := store.Op{Bucket: store.Bucket(part[0]), Key: string(part[1]), Value: part[2]}
		if err := disk.Commit(t.Context(), op); err != nil {
			t.Fatal(err)
		}
		if op.Bucket != store.Allocations {
			continue
		}
		var r struct {
			Seq uint64
			allocator.Allocation
		}
		if err := json.Unmarshal(op.Value, &r); err != nil {
			t.Fatal(err)
		}
		seqs[r.ID] = r.Seq
		want = append(want, r.Allocation)
	}
	slices.SortFunc(want, func(a, b allocator.Allocation) int { return int(seqs[a.ID]) - int(seqs[b.ID]) })
	return want
}

// asSaved returns allocations without what is worked out when they are shown:
// what they wait for.
func asSaved(list []allocator.Allocation) []allocator.Allocation {
	for i, v := range list {
		if v.State == allocator.Pending && v.Window != (allocator.Window{}) {
			list[i].Reason = ""
		}
	}
	return list
}

func checkUpgraded(t *testing.T, a *allocator.Allocator, p *stats.Poller, want []allocator.Allocation) {
	t.Helper()
	for _, project := range []string{"", "projectB", "projectC"} {
		for _, state := range []allocator.State{"", allocator.Pending, allocator.Active, allocator.Complete} {
			wanted := slices.DeleteFunc(slices.Clone(want), func(v allocator.Allocation) bool {
				return project != "" && v.ProjectID != project || state != "" && v.State != state
			})
			got := []allocator.Allocation{}
			for len(got) < len(wanted) {
				page, total, err := a.Page(t.Context(), allocator.Filter{Project: project, State: state}, len(got), 3)
				if err != nil || total != len(wanted) || len(page) == 0 {
					t.Fatalf("%d of %d %s allocations of %q, want %d, error %v", len(page), total, state, project, len(wanted), err)
				}
				got = append(got, page...)
			}
			if !reflect.DeepEqual(asSaved(got), wanted) {
				t.Fatalf("%s allocations of %q:\n%+v\nwant\n%+v", state, project, got, wanted)
			}
		}
	}
	for _, v := range want {
		if got, err := a.Get(v.ID); err != nil || !reflect.DeepEqual(asSaved([]allocator.Allocation{got})[0], v) {
			t.Errorf("%+v, error %v, want %+v", got, err, v)
		}
	}
	const receipt = "0fb4cd2b-ee05-4130-95c8-07a709b398c2"
	carried := p.Allocation(receipt)
	if f := carried.Forward; !carried.Final || f.Entered.Packets != 10 || f.Delivered.Packets != 9 || f.Dropped.Packets != 1 {
		t.Errorf("the receipt is %+v", carried)
	}
	for _, project := range []string{"", "projectB"} {
		if sum := p.Totals(project); sum.Entered.Packets != 2679+10 || sum.Delivered.Packets != 2679+9 || sum.Dropped.Packets != 1 {
			t.Errorf("%q has carried %+v", project, sum)
		}
	}
}
