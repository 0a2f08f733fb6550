// Command answers checks recorded answers of the API against its OpenAPI
// document, for tests that are not written in Go. It reads a JSON object a
// line: method, path, code, header, body.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"

	"conga/httpapi/httpapitest"
)

// An answer is one line.
type answer struct {
	Method string            `json:"method"`
	Path   string            `json:"path"` // without query
	Code   int               `json:"code"`
	Header map[string]string `json:"header"`
	Body   string            `json:"body"`
}

func main() {
	n, err := check(os.Stdin)
	if err != nil {
		fmt.Fprintln(os.Stderr, "answers:", err)
		os.Exit(1)
	}
	fmt.Println(n, "answers are as documented")
}

// check reads all lines. Its error names every answer that is not as
// documented, without its body, which may hold a key.
func check(in io.Reader) (n int, err error) {
	contract, err := httpapitest.Load()
	if err != nil {
		return 0, err
	}
	for d := json.NewDecoder(in); ; n++ {
		var a answer
		if e := d.Decode(&a); errors.Is(e, io.EOF) {
			return n, err
		} else if e != nil {
			return n, errors.Join(err, e)
		}
		header := http.Header{}
		for name, value := range a.Header {
			header.Set(name, value)
		}
		if e := contract.Check(a.Method, a.Path, a.Code, header, a.Body); e != nil {
			err = errors.Join(err, fmt.Errorf("%s %s: %d is not as documented: %w", a.Method, a.Path, a.Code, e))
		}
	}
}
