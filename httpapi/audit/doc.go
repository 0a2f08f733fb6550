// Package audit keeps a record of each change, and of each that was refused, in
// the store.
//
// A record of a change is saved in the same transaction as the change. Records
// hold no secret: no key, no password, and nothing that a client wrote freely.
package audit
