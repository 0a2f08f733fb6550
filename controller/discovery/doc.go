// Package discovery learns the network from frames: links from the LLDP probes
// that the controller sends through its switches, hosts from what they say
// themselves in ARP, neighbour discovery and IP.
//
// It is pure: frames in, facts out, and the time is an argument.
package discovery
