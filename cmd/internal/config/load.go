package config

import (
	"fmt"
	"os"
	"reflect"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/parser"
)

// Overrides are the settings that a flag or the environment can give, as the
// user wrote them; nil: not given.
type Overrides struct {
	Data, API, OpenFlow, Plaintext, LogFormat, LogLevel *string
}

// each calls f with every override, its key, its flag and its variable.
func (o *Overrides) each(f func(key, flag, variable string, value **string)) {
	f("data", "--data", "CONGA_DATA", &o.Data)
	f("api.listen", "--api", "CONGA_API", &o.API)
	f("openflow.listen", "--openflow", "CONGA_OPENFLOW", &o.OpenFlow)
	f("api.plaintext", "--plaintext", "CONGA_PLAINTEXT", &o.Plaintext)
	f("log.format", "--log-format", "CONGA_LOG_FORMAT", &o.LogFormat)
	f("log.level", "--log-level", "CONGA_LOG_LEVEL", &o.LogLevel)
}

// Environment returns the overrides that look, such as [os.LookupEnv], finds in
// the environment. A variable that is set but empty counts as not given.
func Environment(look func(string) (string, bool)) Overrides {
	var o Overrides
	o.each(func(_, _, variable string, value **string) {
		if v, ok := look(variable); ok && v != "" {
			*value = &v
		}
	})
	return o
}

// Load reads the file, or starts from [Default] if file is "", lays environment
// and flags over it in this order, and validates the result. An [Error] holds
// everything found wrong with it; other errors mean that the file could not be
// read at all.
func Load(file string, environment, flags Overrides) (Config, error) {
	if file == "" {
		return read("", nil, environment, flags)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return Config{}, fmt.Errorf("the configuration cannot be read: %w", err)
	}
	return read(file, text, environment, flags)
}

// read does as [Load], without the file system.
func read(name string, text []byte, environment, flags Overrides) (Config, error) {
	c := Default()
	v := validator{source: map[string]string{}, file: name}
	if err := v.decode(text, &c); err != nil {
		return Config{}, v.decodeError(err)
	}
	environment.each(func(key, _, variable string, value **string) { v.override(&c, key, variable, *value) })
	flags.each(func(key, flag, _ string, value **string) { v.override(&c, key, flag, *value) })
	v.config(&c)
	if len(v.problems) > 0 {
		return Config{}, v.problems.sorted()
	}
	return c, nil
}

// decode reads the text into c and notes the position of each key.
func (v *validator) decode(text []byte, c *Config) error {
	file, err := parser.ParseBytes(text, 0)
	if err != nil {
		return err
	}
	switch {
	case len(file.Docs) > 1 && file.Docs[1].Body != nil:
		at := file.Docs[1].Body.GetToken().Position
		return Problem{Line: at.Line, Column: at.Column, Text: "a second document begins here; a configuration is one document"}
	case len(file.Docs) == 0 || file.Docs[0].Body == nil:
		return nil // nothing but comments: the defaults
	}
	v.positions = positions(file.Docs[0].Body)
	body, err := newResolver().resolve(file.Docs[0].Body, reflect.TypeFor[Config]())
	if err != nil {
		return err
	}
	for key, at := range positions(body) {
		if _, ok := v.positions[key]; !ok {
			v.positions[key] = at // merged
		}
	}
	return yaml.NodeToValue(body, c, yaml.Strict())
}

// override sets one key from outside the file and notes the flag or variable
// that sets it.
func (v *validator) override(c *Config, key, source string, value *string) {
	if value == nil {
		return
	}
	v.source[key] = source
	switch text := strings.TrimSpace(*value); key {
	case "data":
		c.Data = text
	case "api.listen":
		c.API.Listen = text
	case "openflow.listen":
		c.OpenFlow.Listen = text
	case "log.format":
		c.Log.Format = text
	case "log.level":
		c.Log.Level = text
	case "api.plaintext":
		p, err := ParsePlaintext(text)
		if err != nil {
			v.add(key, "%v", err)
		}
		c.API.Plaintext = p
	}
}

// String returns the whole configuration as YAML, without its secrets.
func (c Config) String() string {
	text, err := yaml.Marshal(c)
	if err != nil {
		return "configuration: " + err.Error()
	}
	return string(text)
}
