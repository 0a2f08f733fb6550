package scheduler

import (
	"context"
	"fmt"
	"net/netip"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"conga/allocator"
	"conga/allocator/store"
	"conga/bitrate"
	"conga/controller/path"
)

// prompt is a network that confirms everything after a moment.
type prompt struct {
	*fabric
	after time.Duration
}

func (p prompt) Install(context.Context, path.Circuit) error {
	time.Sleep(p.after)
	return nil
}

func (p prompt) Remove(context.Context, string) error {
	time.Sleep(p.after)
	return nil
}

// BenchmarkDue has many allocations due in the same second, with a store on
// disk and a network that needs 5 ms for a call.
func BenchmarkDue(b *testing.B) {
	for _, many := range []int{2000, 10_000} {
		b.Run(fmt.Sprint(many), func(b *testing.B) {
			var took, used time.Duration
			for b.Loop() {
				d, c := due(b, many)
				took, used = took+d, used+c
			}
			b.ReportMetric(took.Seconds()/float64(b.N), "s/all-active")
			b.ReportMetric(float64(used.Microseconds())/float64(b.N*many), "cpu-µs/allocation")
		})
	}
}

// due returns how long it takes until all are active, and the processor's time
// for it.
func due(b *testing.B, many int) (took, used time.Duration) {
	s, err := store.OpenBolt(filepath.Join(b.TempDir(), "conga.db"))
	if err != nil {
		b.Fatal(err)
	}
	f := newFabric()
	start := time.Now().Unix() + int64(2+many/2000)
	var active atomic.Int64
	all := make(chan struct{})
	a, err := allocator.Open(context.Background(), allocator.Config{
		Store: s, Network: f.Snapshot, Reservable: 1,
		Notify: func(v allocator.Allocation, _ bool) {
			if v.State == allocator.Active && active.Add(1) == int64(many) {
				close(all)
			}
		},
	})
	if err != nil {
		b.Fatal(err)
	}
	create(b, a, many, allocator.Seconds(start))
	run, err := New(Config{Allocator: a, Network: prompt{f, 5 * time.Millisecond}})
	if err != nil {
		b.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- run.Run(ctx) }()
	time.Sleep(time.Until(time.Unix(start, 0)))
	before := cpu()
	<-all
	took, used = time.Since(time.Unix(start, 0)), cpu()-before
	stop()
	<-ended
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
	return took, used
}

// create asks for so many allocations that begin at the same time.
func create(b *testing.B, a *allocator.Allocator, many int, start allocator.Seconds) {
	var wg sync.WaitGroup
	for part := range 64 {
		wg.Go(func() {
			for i := part; i < many; i += 64 {
				_, err := a.Create(context.Background(), allocator.Request{
					ProjectID: "p", Duration: 3600, StartTime: start,
					Key: path.FlowKey{
						Src: path.Host(netip.AddrFrom4([4]byte{10, 0, 1, 1})), Dst: path.Host(netip.AddrFrom4([4]byte{10, 0, 2, 2})),
						Proto: path.ProtoTCP, SrcPort: path.Port(uint16(i + 1)), DstPort: path.Port(80),
					},
					Bandwidth: bitrate.Rate(0),
				})
				if err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
}

func cpu() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
