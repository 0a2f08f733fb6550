package main

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"time"
)

// A fate is what became of a mutant.
type fate string

const (
	killed    fate = "killed"
	timedOut  fate = "timed out"        // killed too
	elsewhere fate = "killed elsewhere" // by the tests of a neighbour
	survived  fate = "survived"
	unreached fate = "not reached" // by any test, and so survived
)

// parallel calls f for 0 … n-1, several at a time, until ctx is done.
func parallel(ctx context.Context, jobs, n int, f func(i int)) {
	next := make(chan int)
	var workers sync.WaitGroup
	for range jobs {
		workers.Go(func() {
			for i := range next {
				f(i)
			}
		})
	}
	for i := range n {
		if ctx.Err() != nil {
			break
		}
		next <- i
	}
	close(next)
	workers.Wait()
}

// measure runs each test once, alone and without a mutant, to see what it
// reaches and what it takes.
func (r *room) measure(ctx context.Context, o options, dir string) error {
	errs := make([]error, len(r.tests))
	parallel(ctx, o.jobs, len(r.tests), func(i int) {
		t := r.tests[i]
		reach := filepath.Join(dir, "reach-"+strconv.Itoa(i))
		outcome, took, out := run(ctx, o, []*test{t}, 0, reach, 0)
		if outcome != passed {
			errs[i] = fmt.Errorf("%s: %s fails without a mutant:\n%s", r.path, t.name, out)
			return
		}
		t.run = took
		errs[i] = t.read(reach)
	})
	return cmp.Or(errors.Join(errs...), ctx.Err())
}

// read reads the numbers of the mutants that a test has reached.
func (t *test) read(name string) error {
	f, err := os.Open(name)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	} else if err != nil {
		return err
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		id, err := strconv.Atoi(lines.Text())
		if err != nil {
			return err
		}
		t.reaches[id] = true
	}
	return lines.Err()
}

// batches returns the tests that reach a mutant: of each suite first those that
// are quick, which kill most mutants, then the others, ever longer.
func (r *room) batches(id int) (all [][]*test) {
	const first = 300 * time.Millisecond // of the processor
	bySuite := map[*suite][]*test{}
	var suites []*suite
	for _, t := range r.tests {
		if t.reaches[id] {
			if bySuite[t.suite] == nil {
				suites = append(suites, t.suite)
			}
			bySuite[t.suite] = append(bySuite[t.suite], t)
		}
	}
	for _, s := range suites {
		tests := bySuite[s]
		slices.SortFunc(tests, func(a, b *test) int { return cmp.Compare(a.run.cpu, b.run.cpu) })
		var sum time.Duration
		for i, most := 0, first; len(tests) > 0; i++ {
			if i == len(tests) || i > 0 && sum+tests[i].run.cpu > most {
				all = append(all, tests[:i])
				tests, i, sum, most = tests[i:], -1, 0, 4*most
				continue
			}
			sum += tests[i].run.cpu
		}
	}
	return all
}

// judge runs the tests that reach a mutant, with the mutant.
func (r *room) judge(ctx context.Context, o options, id int) fate {
	all := r.batches(id)
	for _, tests := range all {
		var cpu time.Duration
		for _, t := range tests {
			cpu += t.run.cpu
		}
		switch outcome, _, _ := run(ctx, o, tests, id, "", o.grace+4*cpu); outcome {
		case failed, hung:
			switch {
			case !tests[0].own:
				return elsewhere
			case outcome == hung:
				return timedOut
			}
			return killed
		}
	}
	if len(all) == 0 {
		return unreached
	}
	return survived
}
