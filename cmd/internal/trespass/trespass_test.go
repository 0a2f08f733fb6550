package trespass

import (
	"flag"
	"testing"
)

var old = flag.String("old", "", "commit whose daemon must fail in each case")

// A trial is what is done to a daemon.
type trial struct {
	name string
	run  func(*lab)
}

// cases are what an older daemon has failed in.
var cases = []trial{
	{"LeastRate", leastRate},
	{"ClientAsksBack", clientAsksBack},
	{"AnothersAllocation", anothersAllocation},
	{"AnothersBestEffort", anothersBestEffort},
	{"Consent", consent},
	{"RunReservesAhead", runReservesAhead},
	{"ColleaguesRelease", colleaguesRelease},
	{"AskingAgain", askingAgain},
	{"ChangedReceipt", changedReceipt},
	{"MissedEarliest", missedEarliest},
	{"MissedFixed", missedFixed},
	{"ReasonOfThePlanned", reasonOfThePlanned},
	{"LessCapacity", lessCapacity},
	{"LoweredLimit", loweredLimit},
	{"LoginPerJob", loginPerJob},
	{"Pings", pings},
	{"NamesAsWritten", namesAsWritten},
	{"EmptiedStore", emptiedStore},
	{"ZeroedPages", zeroedPages},
	{"FullDisk", fullDisk},
	{"DeleteAlongTheLinks", deleteAlongTheLinks},
	{"AnothersAnswer", anothersAnswer},
}

// further are cases of the same kinds that no daemon is known to have failed in.
var further = []trial{
	{"AddressesChangeHands", addressesChangeHands},
	{"AddressesInDisguise", addressesInDisguise},
	{"ChangesToAnothers", changesToAnothers},
	{"OneKeyManyStreams", oneKeyManyStreams},
	{"FilteredWalk", filteredWalk},
	{"ProlongedOverAnothers", prolongedOverAnothers},
	{"LimitsBelowUse", limitsBelowUse},
	{"SmallerWhileDegraded", smallerWhileDegraded},
	{"NothingForVolumes", nothingForVolumes},
}

// clocks are cases of daemons whose wall clock is set.
var clocks = []trial{
	{"ClockSteps", clockSteps},
	{"ClockOfTheYear2000", clockOfTheYear2000},
	{"AnswersExpire", answersExpire},
}

// TestFurtherCases does these, each to a daemon of its own.
func TestFurtherCases(t *testing.T) {
	ours := buildAt(t, "../../..", t.TempDir())
	each(t, further, ours, programs{})
}

// TestCases does all of it, each to a daemon of its own.
func TestCases(t *testing.T) {
	ours, other := builds(t, buildAt)
	each(t, cases, ours, other)
}

// TestClocks does the same to daemons with clocks that the test sets.
func TestClocks(t *testing.T) {
	ours, other := builds(t, buildStepped)
	each(t, clocks, ours, other)
}

// each does cases to our daemon, which must hold, and to another, which must
// fail, if there is one.
func each(t *testing.T, list []trial, ours, other programs) {
	for _, c := range list {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if other.bin != "" {
				t.Run("old", func(t *testing.T) {
					if found := try(t, other, c.run); found == "" {
						t.Error("holds there as well")
					} else {
						t.Log(found)
					}
				})
			}
			if found := try(t, ours, c.run); found != "" {
				t.Error(found)
			}
		})
	}
}

// try does one case to a daemon and returns what was wrong, or "".
func try(t *testing.T, p programs, run func(*lab)) (found string) {
	defer func() {
		if r := recover(); r != nil {
			f, ok := r.(finding)
			if !ok {
				panic(r)
			}
			found = string(f)
		}
	}()
	run(newLab(t, p))
	return ""
}
