// Package openapi is the description of the REST interface, as OpenAPI 3.1.
//
// It is written by hand, a file for each resource, and comes in two forms: what
// is served, which has one way to do each thing and which generators of clients
// and renderers can read, and the contract, which has every address, method and
// media type, and is as strict as requests and answers are, for tests.
package openapi

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"conga/httpapi/rest"
)

// Paths and components of all files are put together; everything else is in
// base.json.
//
//go:embed *.json
var files embed.FS

// Contract returns the strict form as JSON. The caller does not change it.
var Contract = sync.OnceValues(func() ([]byte, error) {
	doc, err := read()
	if err != nil {
		return nil, err
	}
	doc.complete()
	return json.Marshal(doc)
})

// Document returns what is served, as JSON. The caller does not change it.
var Document = sync.OnceValues(func() ([]byte, error) {
	doc, err := read()
	if err != nil {
		return nil, err
	}
	if doc, err = plain(doc); err != nil {
		return nil, fmt.Errorf("openapi: plain form: %w", err)
	}
	return json.Marshal(doc)
})

// read returns what is in the files.
func read() (object, error) {
	list, err := files.ReadDir(".")
	if err != nil {
		return nil, fmt.Errorf("openapi: %w", err)
	}
	doc := object{}
	for _, f := range list {
		text, err := files.ReadFile(f.Name())
		part := object{}
		if err == nil {
			d := json.NewDecoder(bytes.NewReader(text))
			d.UseNumber() // a float64 has no room for the highest rate
			err = d.Decode(&part)
		}
		if err == nil {
			err = doc.add(part, "")
		}
		if err != nil {
			return nil, fmt.Errorf("openapi: %s: %w", f.Name(), err)
		}
	}
	return doc, nil
}

// An object is a JSON object of the document.
type object map[string]any

func asObject(v any) object {
	o, _ := v.(map[string]any)
	return o
}

// add takes in the members of another object; objects that both have are put
// together, and what is not an object may be in one of them only.
func (o object) add(other object, at string) error {
	for _, name := range slices.Sorted(maps.Keys(other)) {
		mine, both := o[name]
		if !both {
			o[name] = other[name]
			continue
		}
		mineObj, otherObj := asObject(mine), asObject(other[name])
		if mineObj == nil || otherObj == nil {
			return fmt.Errorf("%s/%s is in two files", at, name)
		}
		if err := mineObj.add(otherObj, at+"/"+name); err != nil {
			return err
		}
	}
	return nil
}

// complete adds what holds for every resource, so that no file has to say it:
// HEAD is GET without a body, and JSON below /api also comes, and is taken, in
// its versioned form.
func (o object) complete() {
	for at, item := range asObject(o["paths"]) {
		path := asObject(item)
		_, elsewhere := path["servers"]
		elsewhere = elsewhere && !strings.HasPrefix(at, "/api")
		for _, operation := range path {
			if op := asObject(operation); op != nil && !elsewhere {
				versioned(asObject(op["requestBody"]), rest.TypeVendor)
				for _, response := range asObject(op["responses"]) {
					versioned(asObject(response), rest.TypeVendor+"; version=1.0")
				}
			}
		}
		if get := asObject(path["get"]); get != nil {
			path["head"] = map[string]any(get.head())
		}
	}
	o.unversioned()
	components := asObject(o["components"])
	for _, body := range asObject(components["requestBodies"]) {
		versioned(asObject(body), rest.TypeVendor)
	}
	for _, response := range asObject(components["responses"]) {
		versioned(asObject(response), rest.TypeVendor+"; version=1.0")
	}
}

// unversioned repeats, without the version, the paths that are written out from
// /api/v1 on. These are resources below /api whose rest of the address is at
// the root as well: the document can have a path once only, whatever its
// servers.
func (o object) unversioned() {
	paths := asObject(o["paths"])
	for at, item := range maps.Clone(paths) {
		rest, ok := strings.CutPrefix(at, "/api/v1/")
		if !ok {
			continue
		}
		path := maps.Clone(asObject(item))
		for method, operation := range path {
			if op := maps.Clone(asObject(operation)); op != nil {
				op["operationId"] = fmt.Sprint(op["operationId"], "Unversioned")
				path[method] = map[string]any(op)
			}
		}
		paths["/api/"+rest] = map[string]any(path)
	}
}

// versioned adds a media type to what comes in JSON.
func versioned(o object, kind string) {
	content := asObject(o["content"])
	if plain, ok := content[rest.TypeJSON]; ok {
		content[kind] = plain
	}
}

// head returns the HEAD operation that goes with a GET operation.
func (o object) head() object {
	head := object{
		"operationId": fmt.Sprint(o["operationId"], "Head"), "summary": "The header of GET alone", "tags": o["tags"],
		"responses": map[string]any{"default": map[string]any{"description": "As for GET, without a body"}},
	}
	for _, name := range []string{"parameters", "security", "requestBody"} {
		if v, ok := o[name]; ok {
			head[name] = v
		}
	}
	return head
}
