package main

// reservedFiles are kept for switches, the store, and what the daemon connects
// to by itself: enough for a thousand switches.
const reservedFiles = 2048

// connectionsWithin is how many connections users may have if the process may
// have so many files open. Where there are few, users have half of them.
func connectionsWithin(files uint64) int {
	const many = 1 << 30 // more than anybody configures
	return int(max(1, min(files, many)-min(files/2, reservedFiles)))
}
