package main

import (
	"fmt"
	"os"
	"strings"
	"sync"
)

// A cache keeps fates in a file, a line each, while tests are written. What
// is not killed is asked for again if its line is taken out.
type cache struct {
	file *os.File // nil: fates are not kept

	mu    sync.Mutex
	known map[string]fate
}

func openCache(name string) (*cache, error) {
	c := &cache{known: map[string]fate{}}
	if name == "" {
		return c, nil
	}
	text, err := os.ReadFile(name)
	if err != nil && !os.IsNotExist(err) {
		return nil, err
	}
	for line := range strings.Lines(string(text)) {
		if v, key, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "\t"); ok {
			c.known[key] = fate(v)
		}
	}
	c.file, err = os.OpenFile(name, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	return c, err
}

func (c *cache) get(key string) fate {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.known[key]
}

func (c *cache) put(key string, v fate) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.known[key] = v
	if c.file != nil {
		fmt.Fprintf(c.file, "%s\t%s\n", v, key)
	}
}

func (c *cache) close() {
	if c.file != nil {
		c.file.Close()
	}
}
