package controller

import (
	"errors"
	"fmt"

	"conga/controller/flow"
	"conga/openflow"
)

// Error is a circuit or a switch that is not as it should be.
type Error struct {
	Op   string        // such as "install"
	DPID openflow.DPID // the switch concerned; 0: none in particular
	Err  error         // [ErrAway], [ErrWithheld], [ErrSuperseded], or the *openflow.Error with which the switch refused, which may be in an [ErrTags]
}

// The causes of an [Error] that are not an error message of the switch.
var (
	ErrAway       = errors.New("is not connected")
	ErrWithheld   = errors.New("has another controller as its master")
	ErrSuperseded = errors.New("superseded by a later request")
	ErrTags       = errors.New("cannot change VLAN tags, and the two ends are in different VLANs")

	errStopped = errors.New("the controller has stopped")
	errSilent  = errors.New("the switch does not answer a barrier")
)

// Error names the switch and what is wrong with it.
func (e *Error) Error() string {
	switch {
	case e.DPID == 0:
		return e.Err.Error()
	case isFull(e.Err):
		return fmt.Sprintf("the flow table of switch %s is full", e.DPID)
	case errors.Is(e.Err, flow.ErrMeddled):
		return fmt.Sprintf("at switch %s another program changes or removes its entries or meters again and again", e.DPID)
	case errors.Is(e.Err, ErrAway), errors.Is(e.Err, ErrWithheld):
		return fmt.Sprintf("switch %s %v", e.DPID, e.Err)
	case errors.Is(e.Err, ErrTags):
		return fmt.Sprintf("switch %s %v", e.DPID, ErrTags)
	}
	return fmt.Sprintf("switch %s refused a flow entry: %v", e.DPID, e.Err)
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }
