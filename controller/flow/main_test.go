package flow

import (
	"flag"
	"os"
	"testing"
)

// TestMain has each random test draw a thousand histories unless -rapid.checks
// says how many: what is kept wrongly has shown in one of ten thousand.
func TestMain(m *testing.M) {
	flag.Parse()
	asked := false
	flag.Visit(func(f *flag.Flag) { asked = asked || f.Name == "rapid.checks" })
	if !asked {
		flag.Set("rapid.checks", "1000")
	}
	os.Exit(m.Run())
}
