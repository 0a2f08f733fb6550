// Command mutate tells how much of what could go wrong the tests would find: it
// makes small changes, mutants, in the source of rooms, and runs the tests that
// come by them. A mutant that fails no test survives. Given no rooms it looks at
// those that decide what is reserved and what switches hold.
//
// What a room's own tests let pass is given to the tests of its neighbours, see
// build.go, and counted on its own if they kill it.
//
// All mutants of a room are compiled into its tests at once, each behind a
// switch, so that a mutant costs no more than the tests that reach it.
//
// survivors.txt says why some survivors are none that a test should kill.
package main

import (
	"context"
	_ "embed"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"time"
)

//go:embed survivors.txt
var survivorsText string

var defaultRooms = []string{"allocator", "controller/flow", "controller/path", "scheduler"}

type options struct {
	sample int
	seed   uint64
	checks int
	jobs   int
	least  float64
	budget time.Duration
	grace  time.Duration
	cache  string
	exec   []string
	only   *regexp.Regexp
}

func main() {
	var o options
	flag.IntVar(&o.sample, "n", 0, "mutants of each room, taken at random; 0: all")
	flag.Uint64Var(&o.seed, "seed", 1, "of the sample and of property tests")
	flag.IntVar(&o.checks, "checks", 100, "runs of each property")
	flag.IntVar(&o.jobs, "j", runtime.GOMAXPROCS(0), "mutants at a time")
	flag.Float64Var(&o.least, "least", 0, "score in percent that each room must have")
	flag.DurationVar(&o.budget, "budget", 0, "stop after so long; 0: when all is done")
	flag.DurationVar(&o.grace, "grace", 3*time.Second, "processor's time that tests may take with a mutant, beside four times what they take without")
	flag.StringVar(&o.cache, "cache", "", "file of fates by mutant, which are not asked for again, and to which new ones are added")
	exec := flag.String("exec", "", "command that runs the tests, as with go test")
	only := flag.String("only", "", "regular expression of the keys of the mutants to look at")
	flag.Parse()
	o.exec = strings.Fields(*exec)
	o.only = regexp.MustCompile(*only)
	rooms := flag.Args()
	if len(rooms) == 0 {
		rooms = defaultRooms
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := mutate(ctx, os.Stdout, ".", o, rooms); err != nil {
		fmt.Fprintln(os.Stderr, "mutate:", err)
		os.Exit(1)
	}
}

// mutate measures rooms of the module in root.
func mutate(ctx context.Context, out io.Writer, root string, o options, paths []string) error {
	why, err := parseReasons(survivorsText)
	if err != nil {
		return err
	}
	fates, err := openCache(o.cache)
	if err != nil {
		return err
	}
	defer fates.close()
	dir, err := os.MkdirTemp("", "mutate")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if o.budget > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, o.budget)
		defer cancel()
	}
	var rooms []*room
	var results []result
	for i, path := range paths {
		r, err := build(ctx, root, strings.Trim(path, "./"), filepath.Join(dir, fmt.Sprint(i)))
		if err != nil {
			return err
		}
		of, err := r.score(ctx, o, fates, filepath.Join(dir, fmt.Sprint(i)))
		if err != nil {
			return err
		}
		rooms, results = append(rooms, r), append(results, of...)
	}
	for i := range results {
		results[i].why = why[results[i].key()]
	}
	if err := report(out, o, why, rooms, results); err != nil {
		return err
	}
	if ctx.Err() != nil {
		return fmt.Errorf("stopped after %d mutants", len(results))
	}
	return nil
}

// report prints what became of mutants. The error says which rooms have too low
// a score.
func report(out io.Writer, o options, why reasons, rooms []*room, results []result) error {
	printSurvivors(out, results)
	for _, k := range stale(why, rooms, results) {
		fmt.Fprintf(out, "survivors.txt names what does not survive: %s\n", k)
	}
	var errs []error
	tallies := printScores(out, results)
	for _, r := range rooms {
		if t := tallies[r.path]; t != nil {
			fmt.Fprintf(out, "%s: %.1f %% of %d mutants killed, by seed %d, of %d in all\n", r.path, t.score(), t.all-t.excused, o.seed, len(r.mutants))
		}
	}
	for name, t := range tallies {
		if t.score() < o.least {
			errs = append(errs, fmt.Errorf("%s: the tests kill %.1f %% of the mutants; %g %% is the least", name, t.score(), o.least))
		}
	}
	return errors.Join(errs...)
}

// score has mutants of a room judged, as far as ctx leaves time.
func (r *room) score(ctx context.Context, o options, fates *cache, dir string) ([]result, error) {
	mutants := slices.DeleteFunc(slices.Clone(r.mutants), func(m *mutant) bool { return !o.only.MatchString(m.key()) })
	if o.sample > 0 && o.sample < len(mutants) {
		rng := rand.New(rand.NewPCG(o.seed, 0))
		rng.Shuffle(len(mutants), func(i, j int) { mutants[i], mutants[j] = mutants[j], mutants[i] })
		mutants = mutants[:o.sample]
	}
	results := make([]result, len(mutants))
	var open []int
	for i, m := range mutants {
		results[i] = result{mutant: m, fate: fates.get(m.key())}
		if results[i].fate == "" {
			open = append(open, i)
		}
	}
	if len(open) > 0 {
		if err := r.measure(ctx, o, dir); err != nil {
			return nil, err
		}
	}
	parallel(ctx, o.jobs, len(open), func(i int) {
		m := mutants[open[i]]
		v := r.judge(ctx, o, m.id)
		if ctx.Err() == nil {
			results[open[i]].fate = v
			fates.put(m.key(), v)
		}
	})
	// What comes behind is left out too: the cache would make a sample of it
	// that is not taken at random.
	if i := slices.IndexFunc(results, func(r result) bool { return r.fate == "" }); i >= 0 {
		results = results[:i]
	}
	return results, nil
}
