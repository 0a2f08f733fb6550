package monitoring

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

// What an expression has beside names of metrics, each replaced by nothing.
var noNames = regexp.MustCompile(strings.Join([]string{
	`"(?:[^"\\]|\\.)*"`, // strings
	`\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)`, // labels
	`\[[^\]]*\]`,           // ranges
	`\b[0-9][0-9a-zA-Z.]*`, // numbers and times
	`\$\w+`,                // variables of Grafana
}, "|"))

// selectors are the labels that a metric is narrowed down to.
var selectors = regexp.MustCompile(`\{[^}]*\}`)

// words are names of metrics, functions and operators; with a parenthesis
// behind them they are the second.
var words = regexp.MustCompile(`[a-zA-Z_:][a-zA-Z0-9_:]*\s*\(?`)

// operators are words that are neither metrics nor functions.
var operators = []string{"and", "or", "unless", "bool", "offset", "atan2", "inf", "nan"}

// metricsOf returns the names of the metrics in an expression of PromQL.
func metricsOf(expression string) (names []string) {
	text := selectors.ReplaceAllString(noNames.ReplaceAllString(expression, " "), " ")
	for _, word := range words.FindAllString(text, -1) {
		name := strings.TrimSpace(word)
		if strings.HasSuffix(name, "(") || slices.Contains(operators, strings.ToLower(name)) {
			continue
		}
		names = append(names, name)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func TestMetricsOf(t *testing.T) {
	for expression, want := range map[string][]string{
		`up{job="conga"} == 0`: {"up"},
		`sum by (instance, le) (rate(a_bucket{route!~".*}",x=~"{b}"}[$__rate_interval])) / on(c) group_left (d) e_total offset 5m > bool 1e3`: {"a_bucket", "e_total"},
		`histogram_quantile(0.99, a:b) unless on () c and 3 < time() - d`:                                                                     {"a:b", "c", "d"},
		`label_values(x{instance="$instance"}, dpid)`:                                                                                         {"dpid", "x"},
		`1 + 2`: nil,
	} {
		if got := metricsOf(expression); !slices.Equal(got, want) {
			t.Errorf("%s: got %q, want %q", expression, got, want)
		}
	}
}
