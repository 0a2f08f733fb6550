package allocator

import (
	"fmt"
	"strings"

	"conga/bitrate"
	"conga/controller/topology"
)

// Kind is the class of an [Error]: what the caller can do about it.
type Kind uint8

// The kinds of error.
const (
	Invalid  Kind = iota + 1 // the request itself is wrong; say it differently
	NotFound                 // no such allocation
	Conflict                 // something else is in the way; wait, or ask for less
	Denied                   // a limit of the project or of the user
	Stale                    // the allocation has changed since it was read
	Internal                 // ours; try again later
)

// String returns the kind's name, as it may appear in a problem's type.
func (k Kind) String() string {
	switch k {
	case Invalid:
		return "invalid"
	case NotFound:
		return "not-found"
	case Conflict:
		return "conflict"
	case Denied:
		return "denied"
	case Stale:
		return "stale"
	}
	return "internal"
}

// Offer is what would have been admitted instead. Zero fields offer nothing.
type Offer struct {
	Later    Seconds      // earliest start_time at which the same request fits, UNIX seconds
	Slower   bitrate.Rate // largest bandwidth that fits in the window asked for, bit/s
	Deadline Seconds      // earliest deadline that the same request can meet, UNIX seconds
}

// slower, later and deadline return the clauses in which a sentence speaks of
// the offer.
func (o Offer) slower() string { return fmt.Sprintf("; ask for at most %s", o.Slower) }
func (o Offer) later() string  { return fmt.Sprintf("; or start at %s", clock(o.Later)) }
func (o Offer) deadline() string {
	return fmt.Sprintf("; or ask for a deadline of %s or later", clock(o.Deadline))
}

// Error is an operation that failed.
type Error struct {
	Op         string // such as "create"
	Kind       Kind
	Field      string           // API name of the field at fault, or ""
	Bottleneck *topology.LinkID // the link that refused, where one did
	InTheWay   Window           // when the link does not have the rate, or others the traffic; zero: at no time in particular
	Offer      Offer            // what to ask for instead
	// Alternatives are requests that would be admitted instead, if made at
	// once: instead of a new allocation, or of a change, the whole request.
	Alternatives []Request
	Occurrences  []Refused // of a series: the first of those in the way
	Err          error     // a sentence that says what is wrong and what to do
	readings     *readings // until the alternatives are known
}

// Error returns the sentence, after the name of the field if there is one.
func (e *Error) Error() string {
	if e.Field != "" {
		return fmt.Sprintf("%s: %v", e.Field, e.Err)
	}
	return e.Err.Error()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// drop takes a clause out of the sentence.
func (e *Error) drop(clause string) {
	if before, after, found := strings.Cut(e.Err.Error(), clause); found {
		e.Err = shortenedError{before + after, e.Err}
	}
}

// A shortenedError says less than its cause.
type shortenedError struct {
	text  string
	cause error
}

func (e shortenedError) Error() string { return e.text }

func (e shortenedError) Unwrap() error { return e.cause }

// Refused is an occurrence of a series that is not admitted.
type Refused struct {
	Window Window
	Err    *Error
}

// An unsavedError is a change that the store has refused. Its text, which users
// see, is that of errInternal; the cause tells callers what to answer.
type unsavedError struct{ cause error }

func (e unsavedError) Error() string { return errInternal.Error() }

func (e unsavedError) Unwrap() []error { return []error{errInternal, e.cause} }
