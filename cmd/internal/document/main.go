// Command document prints the OpenAPI document of the API, for which the page
// is built.
package main

import (
	"fmt"
	"os"

	"conga/httpapi/openapi"
)

func main() {
	text, err := openapi.Contract()
	if err == nil {
		_, err = os.Stdout.Write(text)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
