// Package packaging holds what is in packaging/, from which the packages are
// made, against the commands, and the files that it names. `make package-test`
// installs the packages.
package packaging
