// Package openflow is the wire codec of OpenFlow 1.3.5, and nothing else: it
// does no I/O and imports only the standard library.
//
// [Parse] reads one whole message and [Append] writes one. A parsed value never
// aliases the bytes it was parsed from, is never half-filled, and no bytes make
// Parse panic. TLVs this package does not know (experimenter actions, vendor
// match fields, hello elements, properties) are kept raw and come out again
// byte for byte. What no field shows, such as padding that is not zero, is kept
// as well: whatever Parse accepts, Append writes again as it was, until a field
// is changed.
//
// Section numbers in the documentation are those of the OpenFlow Switch
// Specification 1.3.5.
package openflow
