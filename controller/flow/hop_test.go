package flow

import "conga/openflow"

// takeAll takes what has changed, and what follows when all switches have
// confirmed that, until nothing is left.
func takeAll(w *Wanted, f func(openflow.DPID, Patch)) {
	for d, s := range w.sites {
		if !s.compared {
			w.Compared(d, nil)
		}
	}
	for more := true; more; {
		w.Take(1, f)
		more = false
		for d := range w.sites {
			if w.Confirmed(d, 1, nil) {
				more = true
			}
		}
	}
}
