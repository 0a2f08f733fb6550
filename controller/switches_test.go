package controller

import (
	"flag"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the table of switches anew")

const switchesFile = "SWITCHES.md"

// tried is what was seen of switches that are programs.
const tried = `
# Switches that were tried

| Switch | tried by | seen | and says in ` + "`limitations`" + ` |
| --- | --- | --- | --- |
| Open vSwitch 3.1.0, Debian 12, userspace datapath | ` + "`make e2e`" + ` | all tests pass | nothing |
| Open vSwitch 4.0.90, commit d6a632a9b of July 2026, userspace datapath | ` + "`make e2e`" + `, with its programs on PATH | all but the three of ` + "`reach.Ring`" + `, which were not run, pass; ` + "`protection.Protection.with_the_controller`" + ` at the second try | nothing |
| BOFUSS (ofsoftswitch13), commit aaebdbc of May 2020 | ` + "`testdata/mininet/bofuss.sh`" + `, with its programs on PATH | hosts reach each other; of 4.0 Mbit/s that an allocation leaves 3.3 to 3.5 arrive, of 2.0 that one has 1.9; a cut cable costs 4 of 210 packets at 100/s, a daemon that is killed none | nothing |

BOFUSS fills the buckets of its meters once a second, so bursts there are 1.1 s long. Its
ofprotocol may connect before its ofdatapath answers; that connection ends after 10 s, and
the next one comes up.
`

// writeForms writes what CONGA does with switches that [TestForms] has.
func writeForms(b *strings.Builder) {
	b.WriteString(`
# Switches that keep something else than they are given

` + "`TestForms`" + ` has switches do this for good. What they keep is left so, and the same entry
or meter is written four times at most.

| A switch that keeps | and is said in ` + "`limitations`" + ` |
| --- | --- |
`)
	for _, f := range forms {
		says := "nothing, since it means the same"
		if f.says != "" {
			what, _, _ := strings.Cut(f.says, ":")
			says = what + ", with an example"
		}
		b.WriteString("| " + f.name + " | " + says + " |\n")
	}
	b.WriteString(`
One that has room for 1, 3, 7 or 12 entries in all (` + "`TestRoomForNextToNothing`" + `) says that its flow
table is full, and does others no harm.
`)
}

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
	b.WriteString(`
# Switches that say something odd

So do switches (` + "`TestOddities`, `TestHighPorts`" + `) that number their ports from 1,000,
65,000 or 4,294,967,035 on, or send
`)
	for i, o := range oddities {
		end := ";\n"
		if i == len(oddities)-1 {
			end = ".\n"
		}
		b.WriteString("- " + o.name + end)
	}
	b.WriteString(`
Where a port's number is above 16,777,214, all best effort that leaves by ports with
reservations shares one meter, and ` + "`limitations`" + ` says so.
`)
	writeForms(&b)
	b.WriteString(tried)
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
