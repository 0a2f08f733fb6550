package history

import (
	"bufio"
	"bytes"
	"fmt"
	"hash/crc32"
)

// AppendSlots appends the slots, and up to which hour all have been summed up,
// as text that ends with a checksum.
func AppendSlots(b []byte, s *Slots, hours int64) []byte {
	start := len(b)
	b = fmt.Appendf(b, "conga history 1\n%d %d\n", s.Next(), hours)
	for _, one := range s.List() {
		b = fmt.Appendf(b, "%d %d %d %q\n", one.ID, one.Index, one.Seen, one.Key)
	}
	return fmt.Appendf(b, "checksum %08x\n", crc32.ChecksumIEEE(b[start:]))
}

// ParseSlots returns the slots that b holds, of which there are most at most
// from now on, and up to which hour all have been summed up.
func ParseSlots(b []byte, most int) (s *Slots, hours int64, err error) {
	end := bytes.LastIndex(b, []byte("checksum "))
	if end < 0 || string(b[end:]) != fmt.Sprintf("checksum %08x\n", crc32.ChecksumIEEE(b[:end])) {
		return nil, 0, fmt.Errorf("the list of what the history is of is not whole")
	}
	lines := bufio.NewScanner(bytes.NewReader(b[:end]))
	lines.Scan()
	if lines.Text() != "conga history 1" {
		return nil, 0, fmt.Errorf("the history begins with %q; this program reads version 1", lines.Text())
	}
	lines.Scan()
	var next uint32
	if _, err := fmt.Sscanf(lines.Text(), "%d %d", &next, &hours); err != nil {
		return nil, 0, fmt.Errorf("the list of what the history is of, line 2: %w", err)
	}
	var list []Slot
	for n := 3; lines.Scan(); n++ {
		var one Slot
		if _, err := fmt.Sscanf(lines.Text(), "%d %d %d %q", &one.ID, &one.Index, &one.Seen, &one.Key); err != nil {
			return nil, 0, fmt.Errorf("the list of what the history is of, line %d: %w", n, err)
		}
		list = append(list, one)
	}
	if err := lines.Err(); err != nil {
		return nil, 0, fmt.Errorf("the list of what the history is of: %w", err)
	}
	return RestoreSlots(most, next, list), hours, nil
}
