// Package events tells readers what happens, in order, and lets one that was
// away for a moment go on where it stopped.
//
// Publishing takes the same short time however many readers there are, and
// waits for none of them: a reader that falls behind the newest events is told
// so and has to read anew what it watches.
package events
