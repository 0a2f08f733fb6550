package eventually_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"conga/cmd/internal/eventually"
)

// failing is a test that notes its failure.
type failing struct{ says string }

func (*failing) Helper()             {}
func (f *failing) Fatal(args ...any) { f.says = fmt.Sprint(args...) }

func TestTrue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begun, f := time.Now(), &failing{}
		after := func(d time.Duration) func() bool { return func() bool { return time.Since(begun) >= d } }
		eventually.True(f, "it is there", after(0))
		eventually.True(f, "it comes", after(20*time.Second))
		if took := time.Since(begun); f.says != "" || took < 20*time.Second || took > 21*time.Second {
			t.Errorf("after %v: %s", took, f.says)
		}
		eventually.True(f, "it stays away", after(time.Hour))
		if took := time.Since(begun); f.says != "it never happens that it stays away" || took < 50*time.Second || took > 51*time.Second {
			t.Errorf("after %v: %s", took, f.says)
		}
	})
}
