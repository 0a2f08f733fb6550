package controller

import (
	"flag"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the table of switches anew")

const switchesFile = "SWITCHES.md"

// TestTableOfSwitches holds the table of what CONGA does with switches that
// lack something against the habits that [TestHabits] has them show.
func TestTableOfSwitches(t *testing.T) {
	var b strings.Builder
	b.WriteString(`# Switches that lack something

Made of the habits that ` + "`TestHabits`" + ` tries: a ring of switches with each of them
forwards best effort, carries three allocations (all traffic between two hosts, a TCP
port over IPv4, and one over IPv6), says what it cannot do, and is sent nothing when it
connects again or the daemon starts anew. ` + "`go test ./controller -run TestTableOfSwitches -update`" + `
writes this file.

| A switch with | carries allocations | and says in ` + "`limitations`" + ` |
| --- | --- | --- |
`)
	for _, h := range habits {
		name, says := h.name, "nothing"
		if name == "none" {
			name = "all that Open vSwitch has"
		}
		if len(h.says) > 0 {
			says = strings.Join(h.says, " ")
		}
		b.WriteString("| " + name + " | yes | " + says + " |\n")
	}
	if *update {
		if err := os.WriteFile(switchesFile, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	is, err := os.ReadFile(switchesFile)
	if err != nil {
		t.Fatal(err)
	}
	if string(is) != b.String() {
		t.Errorf("%s is not what -update would write", switchesFile)
	}
}
