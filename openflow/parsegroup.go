package openflow

import (
	"fmt"
	"slices"
	"strings"
)

// groupTypeWords are ovs-ofctl's names of the group types.
var groupTypeWords = []string{"all", "select", "indirect", "ff"}

// ParseGroup reads a group in the syntax of ovs-ofctl's add-group, such as
// "group_id=1,type=select,bucket=weight:5,actions=output:1,bucket=weight:1,actions=output:2",
// into a group mod that adds it.
func ParseGroup(text string) (*GroupMod, error) {
	m := &GroupMod{}
	parts := strings.Split(text, "bucket=")
	for _, word := range strings.FieldsFunc(parts[0], isSeparator) {
		key, value, _ := strings.Cut(word, "=")
		var err error
		switch key {
		case "group_id":
			err = parseUint(value, &m.ID)
		case "type":
			i := slices.Index(groupTypeWords, value)
			if i < 0 {
				err = ErrValue
			}
			m.GroupType = GroupType(max(i, 0))
		default:
			err = fmt.Errorf("unknown word")
		}
		if err != nil {
			return nil, fmt.Errorf("openflow: group: %q: %w", word, err)
		}
	}
	for _, part := range parts[1:] {
		b, err := m.GroupType.parseBucket(part)
		if err != nil {
			return nil, err
		}
		m.Buckets = append(m.Buckets, b)
	}
	return m, nil
}

// parseBucket reads what follows "bucket=" in a group of the type.
func (t GroupType) parseBucket(text string) (Bucket, error) {
	b := Bucket{WatchPort: PortAny, WatchGroup: GroupAny}
	if t == GroupTypeSelect {
		b.Weight = 1
	}
	head, actions, ok := strings.Cut(text, "actions=")
	if !ok {
		return b, fmt.Errorf("openflow: bucket %q has no actions", text)
	}
	for _, word := range strings.FieldsFunc(head, isSeparator) {
		key, value, _ := strings.Cut(word, ":")
		var err error
		switch key {
		case "weight":
			err = parseUint(value, &b.Weight)
		case "watch_port":
			b.WatchPort, err = ParsePortNo(value)
		case "watch_group":
			err = parseUint(value, &b.WatchGroup)
		default:
			err = fmt.Errorf("unknown word")
		}
		if err != nil {
			return b, fmt.Errorf("openflow: bucket: %q: %w", word, err)
		}
	}
	words, err := splitActions(actions)
	if err != nil {
		return b, err
	}
	for _, word := range words {
		if word == "drop" {
			continue
		}
		a, err := Match(nil).parseAction(word)
		if err != nil {
			return b, fmt.Errorf("openflow: action %q: %w", word, err)
		}
		b.Actions = append(b.Actions, a)
	}
	return b, nil
}

// meterFlagWords are ovs-ofctl's names of the meter flags, from bit 0 on.
var meterFlagWords = []string{"kbps", "pktps", "burst", "stats"}

// ParseMeter reads a meter in the syntax of ovs-ofctl's add-meter, such as
// "meter=1,kbps,burst,bands=type=drop,rate=1000,burst_size=100", into a meter
// mod that adds it.
func ParseMeter(text string) (*MeterMod, error) {
	m := &MeterMod{}
	for _, word := range strings.FieldsFunc(text, isSeparator) {
		word = strings.TrimPrefix(word, "bands=")
		if word == "" {
			continue
		}
		if err := m.setWord(word); err != nil {
			return nil, fmt.Errorf("openflow: meter: %q: %w", word, err)
		}
	}
	return m, nil
}

// setWord sets what one word of a meter's text says, of the meter or of its
// last band.
func (m *MeterMod) setWord(word string) error {
	if i := slices.Index(meterFlagWords, word); i >= 0 {
		m.Flags |= 1 << i
		return nil
	}
	key, value, _ := strings.Cut(word, "=")
	switch key {
	case "meter":
		return parseUint(value, &m.ID)
	case "type":
		types := map[string]MeterBandType{"drop": MeterBandDrop, "dscp_remark": MeterBandDSCPRemark}
		m.Bands = append(m.Bands, MeterBand{Type: types[value]})
		if types[value] == 0 {
			return ErrValue
		}
		return nil
	}
	if len(m.Bands) == 0 {
		return fmt.Errorf("neither a flag nor a band")
	}
	b := &m.Bands[len(m.Bands)-1]
	switch key {
	case "rate":
		return parseUint(value, &b.Rate)
	case "burst_size":
		return parseUint(value, &b.BurstSize)
	case "prec_level":
		return parseUint(value, &b.PrecLevel)
	}
	return fmt.Errorf("unknown word")
}
