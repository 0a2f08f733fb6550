package openflow

import (
	"encoding/binary"
	"slices"
)

// TableStatsReply lists table counters (§7.3.5.4).
type TableStatsReply []TableStats

// TableStats are the counters of one flow table (§7.3.5.4).
type TableStats struct {
	Table        TableID
	ActiveCount  uint32 // flow entries
	LookupCount  uint64 // packets looked up
	MatchedCount uint64 // packets that found an entry
}

func (TableStatsReply) replyType() MultipartType { return MultipartTable }

const tableStatsLen = 24

func parseTableStats(c *cursor) (r TableStatsReply) {
	r = slices.Grow(r, (c.end-c.off)/tableStatsLen)
	for c.more() {
		p := c.take(tableStatsLen, "table stats")
		if p == nil {
			return nil
		}
		c.zeros(p[1:4])
		r = append(r, TableStats{
			Table:        TableID(p[0]),
			ActiveCount:  binary.BigEndian.Uint32(p[4:]),
			LookupCount:  binary.BigEndian.Uint64(p[8:]),
			MatchedCount: binary.BigEndian.Uint64(p[16:]),
		})
	}
	return r
}

func (r TableStatsReply) appendReply(dst []byte) ([]byte, error) {
	for i := range r {
		s := &r[i]
		var p []byte
		dst, p = grow(dst, tableStatsLen)
		p[0] = byte(s.Table)
		binary.BigEndian.PutUint32(p[4:], s.ActiveCount)
		binary.BigEndian.PutUint64(p[8:], s.LookupCount)
		binary.BigEndian.PutUint64(p[16:], s.MatchedCount)
	}
	return dst, nil
}
