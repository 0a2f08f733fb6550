package httpapi

import (
	"testing"

	"conga/allocator"
)

// What is said of an allocation may change without a change of it: the tag
// follows, and If-Match does not mind.
func TestEntityTagFollowsWhatIsSaid(t *testing.T) {
	for _, state := range []allocator.State{allocator.Pending, allocator.Active} {
		t.Run(string(state), func(t *testing.T) { testEntityTag(t, state) })
	}
}

func testEntityTag(t *testing.T, state allocator.State) {
	plain := allocator.Allocation{State: state, Revision: 7}
	said, other := plain, plain
	said.Reason, other.Reason = "its rate is not enforced at switch 1", "its rate is not enforced at switch 2"
	tags := map[string]bool{}
	for _, a := range []allocator.Allocation{plain, said, other} {
		tag := etagOf(a, usage{reported: unreported})
		if tags[tag] {
			t.Errorf("%q stands for two texts", tag)
		}
		if tags[tag] = true; !current([]string{tag}, versionOf(plain).revision) {
			t.Errorf("%q does not name revision 7", tag)
		}
	}
}
