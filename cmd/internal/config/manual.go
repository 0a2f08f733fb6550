package config

import _ "embed" // of the manual

// Manual is conga.yaml(5): what each key means, in Markdown.
//
//go:embed conga.yaml.md
var Manual string
