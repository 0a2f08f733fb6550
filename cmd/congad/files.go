package main

// reservedFiles is how many open files are reserved for switches, the store and
// outgoing connections: enough for a thousand switches.
const reservedFiles = 2048

// connectionsWithin returns how many connections users may have if the process
// may have so many files open. If these are few, users get half.
func connectionsWithin(files uint64) int {
	const many = 1 << 30 // more than is ever configured
	return int(max(1, min(files, many)-min(files/2, reservedFiles)))
}
