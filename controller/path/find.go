package path

import "conga/controller/topology"

// Query asks for one path.
type Query struct {
	From, To topology.PortID  // edge ports of source and destination
	Rate     topology.BitRate // needed on every link in both directions; 0: any link will do
	// Free is what a directed link has left for the whole window, in bit/s; it
	// is asked for trunk and access links alike. nil: the link's whole capacity.
	Free func(topology.Link) topology.BitRate
}
