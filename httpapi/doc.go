// Package httpapi serves CONGA's REST API.
//
// The resources and their shapes are those of the CONGA API document; the
// readings of it that matter are written where they are made. Every answer
// below /api is the envelope {"status", "results", "errors"}, or a problem of
// RFC 9457 for clients that ask for one. One file serves one resource, and
// faultOf turns errors into answers.
package httpapi
