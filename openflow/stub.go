package openflow

import "errors"

var errStub = errors.New("openflow: not yet")

// ParseMatch reads ovs-ofctl match syntax.
func ParseMatch(text string) (Match, error) { return nil, errStub }

// ParseFlow reads ovs-ofctl flow syntax, as add-flow takes it.
func ParseFlow(text string) (*FlowMod, error) { return nil, errStub }
