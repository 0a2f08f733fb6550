// Package recurrence reads recurrence rules of RFC 5545, and says at which
// moments they have occurrences by the clocks of a time zone. It is pure.
package recurrence
