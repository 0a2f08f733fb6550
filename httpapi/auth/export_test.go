package auth

import "net/http"

// GuardSize returns how much g remembers.
func GuardSize(g *Guard) (clients, failures int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.clients), len(g.failures)
}

// DecoyCost returns the cost of refusing a user who does not exist.
func DecoyCost(s *Static) (memory, passes uint32, threads uint8) {
	d := s.known.Load().decoy
	return d.memory, d.passes, d.threads
}

// AskThrough has h ask its questions through t.
func AskThrough(h *HTTP, t http.RoundTripper) { h.client.Transport = t }
