// Package config reads the daemon's configuration: a YAML file, the environment
// and the flags become one [Config].
//
// Decoding is strict: an unknown key, a key given twice or a value of the wrong
// type is an error with its line and column. Validation goes over the whole
// configuration and reports everything it finds, each as a sentence that names
// the key and the remedy. A [Config] belongs to this package alone; the wiring
// turns it into the configurations of the other packages.
package config
