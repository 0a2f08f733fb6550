package httpapi

import (
	"encoding/json"

	"conga/allocator"
)

// degraded reports whether the allocation gets less than was promised to it.
func (s *shown) degraded() bool { return isDegraded(s.Allocation, s.losing) }

func isDegraded(a allocator.Allocation, losing string) bool {
	return a.Shortfall != (allocator.Shortfall{}) || losing != ""
}

// reason returns why the allocation is not further, or what is wrong with it.
func (s *shown) reason() string { return reasonOf(s.Allocation, s.usage) }

func reasonOf(a allocator.Allocation, u usage) string {
	text := a.Reason
	for _, more := range [...]string{u.losing, u.idle} {
		if text != "" && more != "" {
			text += "; "
		}
		text += more
	}
	return text
}

// shownReceipt returns the receipt, or nil for null.
func (s *shown) shownReceipt() any {
	if s.receipt == nil {
		return nil
	}
	return json.RawMessage(s.receipt)
}
