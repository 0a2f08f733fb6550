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

// manySwitches is how many switches are enough not to warn of.
const manySwitches = 1000

// switchesWithin returns how many switches may be connected, and how many
// connections may be coming up, if the process may have so many files open and
// users have so many connections: three quarters of the rest together, so that
// neither switches nor what says that it is one take the files of users, of the
// store or of outgoing connections.
func switchesWithin(files uint64, users int) (switches, handshakes int) {
	const mostSwitches, mostHandshakes = 4096, 512
	rest := 0
	if files > uint64(users) {
		rest = int(min(files-uint64(users), 1<<30))
	}
	handshakes = min(mostHandshakes, max(1, rest/4))
	switches = min(mostSwitches, max(1, rest/2))
	return switches, handshakes
}
