package controller

// A Backlog is how many core events wait for the core.
type Backlog struct {
	Waiting int
	Room    int // how many may wait; those that come when it is full are lost, or their senders wait
}

// Backlog returns what waits of the events that must not be lost, and of those
// that come again.
func (c *Controller) Backlog() (events, lossy Backlog) {
	return Backlog{len(c.events), cap(c.events)}, Backlog{len(c.lossyEvents), cap(c.lossyEvents)}
}
