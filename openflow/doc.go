// Package openflow is the OpenFlow 1.3.5 wire codec.
package openflow
