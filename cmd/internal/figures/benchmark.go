package figures

import (
	"bufio"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
)

// processors is the suffix that go test gives a name.
var processors = regexp.MustCompile(`-\d+$`)

// ParseBenchmarks reads the output of go test -bench: every figure with all its
// values, in the order in which they come. Lines that report a failure go to
// failures.
func ParseBenchmarks(in io.Reader, failures io.Writer) (order []Figure, values Values, err error) {
	values = Values{}
	pkg := ""
	s := bufio.NewScanner(in)
	for s.Scan() {
		line := s.Text()
		if p, ok := strings.CutPrefix(line, "pkg: "); ok {
			pkg = strings.TrimPrefix(p, "conga/")
			continue
		}
		words := strings.Fields(line)
		if len(words) < 4 || !strings.HasPrefix(words[0], "Benchmark") {
			if strings.HasPrefix(line, "---") || strings.HasPrefix(line, "FAIL") || strings.HasPrefix(line, "panic") {
				fmt.Fprintln(failures, line)
			}
			continue
		}
		name := pkg + "." + processors.ReplaceAllString(strings.TrimPrefix(words[0], "Benchmark"), "")
		for i := 2; i+1 < len(words); i += 2 { // after the name and the number of runs: value, unit
			v, err := strconv.ParseFloat(words[i], 64)
			if err != nil {
				break
			}
			f := Figure{Name: name, Unit: words[i+1]}
			if values[f] == nil {
				order = append(order, f)
			}
			values.Add(f.Name, f.Unit, v)
		}
	}
	return order, values, s.Err()
}
