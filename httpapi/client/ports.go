package client

import (
	"encoding/json"
	"strconv"
)

// Ports are the ports of one side: one, as 443, a range, as 5000-5099, or
// several of both, as 5001,5003,5010-5019. "" is any.
type Ports string

// OnePort returns one port; 0 is any.
func OnePort(n uint16) Ports {
	if n == 0 {
		return ""
	}
	return Ports(strconv.FormatUint(uint64(n), 10))
}

// MarshalJSON writes one port as a number, several as a text, and any as null.
func (p Ports) MarshalJSON() ([]byte, error) {
	if p == "" {
		return []byte("null"), nil
	}
	if n, err := strconv.ParseUint(string(p), 10, 16); err == nil {
		return strconv.AppendUint(nil, n, 10), nil
	}
	return json.Marshal(string(p))
}

// UnmarshalJSON reads what MarshalJSON writes.
func (p *Ports) UnmarshalJSON(b []byte) error {
	var text string
	if len(b) > 0 && b[0] == '"' {
		err := json.Unmarshal(b, &text)
		*p = Ports(text)
		return err
	}
	var n uint16
	err := json.Unmarshal(b, &n)
	*p = OnePort(n)
	return err
}
