package openflow

import (
	"encoding/binary"
	"slices"
)

// TableFeaturesRequest asks for the features of all tables when empty, and sets
// them otherwise (§7.3.5.5).
type TableFeaturesRequest []TableFeatures

// TableFeaturesReply lists what each table can do (§7.3.5.5).
type TableFeaturesReply []TableFeatures

// TableFeatures is what one table can do (§7.3.5.5).
type TableFeatures struct {
	Table         TableID
	Name          string // at most 31 bytes
	MetadataMatch uint64 // metadata bits the table can match
	MetadataWrite uint64 // metadata bits the table can write
	Config        TableConfig
	MaxEntries    uint32
	Properties    []TableProperty
}

// TablePropertyType is the kind of a table feature property. Those named Miss
// are for the table-miss entry, the others for all other entries (§7.3.5.5.2).
type TablePropertyType uint16

// The table feature property types (§7.3.5.5.2).
const (
	TablePropInstructions      TablePropertyType = 0
	TablePropInstructionsMiss  TablePropertyType = 1
	TablePropNextTables        TablePropertyType = 2
	TablePropNextTablesMiss    TablePropertyType = 3
	TablePropWriteActions      TablePropertyType = 4
	TablePropWriteActionsMiss  TablePropertyType = 5
	TablePropApplyActions      TablePropertyType = 6
	TablePropApplyActionsMiss  TablePropertyType = 7
	TablePropMatch             TablePropertyType = 8
	TablePropWildcards         TablePropertyType = 10
	TablePropWriteSetField     TablePropertyType = 12
	TablePropWriteSetFieldMiss TablePropertyType = 13
	TablePropApplySetField     TablePropertyType = 14
	TablePropApplySetFieldMiss TablePropertyType = 15
	TablePropExperimenter      TablePropertyType = 0xfffe
	TablePropExperimenterMiss  TablePropertyType = 0xffff
)

// A TableProperty is one property of a table's features (§7.3.5.5.2). Type says
// which of the other fields count.
type TableProperty struct {
	Type         TablePropertyType
	Instructions []InstructionID // instructions
	Tables       []TableID       // next tables
	Actions      []ActionID      // write and apply actions
	Fields       []OXMID         // match, wildcards, and the fields that set field can write
	Data         []byte          // experimenter and unknown properties: what follows type and length
}

// An InstructionID names a kind of instruction in table features (§7.3.5.5.2).
type InstructionID struct {
	Type         InstructionType
	Experimenter uint32 // with InstructionExperimenter: the experimenter ID
	Data         string // what follows; should be empty without InstructionExperimenter
}

// An ActionID names a kind of action in table features (§7.3.5.5.2).
type ActionID struct {
	Type         ActionType
	Experimenter uint32 // with ActionExperimenter: the experimenter ID
	Data         string // what follows; should be empty without ActionExperimenter
}

// An OXMID names a match field in table features (§7.3.5.5.2).
type OXMID struct {
	Class        OXMClass
	Field        Field
	Masked       bool   // the field can be masked
	Length       uint8  // bytes of the field's payload
	Experimenter uint32 // with OXMClassExperimenter: the experimenter ID
}

func (TableFeaturesRequest) requestType() MultipartType { return MultipartTableFeatures }

func (TableFeaturesReply) replyType() MultipartType { return MultipartTableFeatures }

const (
	tableFeaturesLen = 64 // without properties
	tableNameLen     = 32
)

// tableFeatures reads table features up to the cursor's end.
func (c *cursor) tableFeatures() (features []TableFeatures) {
	features = slices.Grow(features, c.ahead(0, tableFeaturesLen))
	for c.more() {
		outer, ok := c.enter("table features", 0, tableFeaturesLen)
		if !ok {
			return nil
		}
		p := c.take(tableFeaturesLen, "table features")
		c.zeros(p[3:8])
		features = append(features, TableFeatures{
			Table:         TableID(p[2]),
			Name:          c.text(p[8 : 8+tableNameLen]),
			MetadataMatch: binary.BigEndian.Uint64(p[40:]),
			MetadataWrite: binary.BigEndian.Uint64(p[48:]),
			Config:        TableConfig(binary.BigEndian.Uint32(p[56:])),
			MaxEntries:    binary.BigEndian.Uint32(p[60:]),
			Properties:    c.tableProperties(),
		})
		c.leave("table features", outer)
	}
	return features
}

func (r TableFeaturesRequest) appendRequest(dst []byte) ([]byte, error) {
	return appendTableFeatures(dst, r)
}

func (r TableFeaturesReply) appendReply(dst []byte) ([]byte, error) {
	return appendTableFeatures(dst, r)
}

func appendTableFeatures(dst []byte, features []TableFeatures) ([]byte, error) {
	for i := range features {
		f := &features[i]
		start := len(dst)
		var p []byte
		dst, p = grow(dst, tableFeaturesLen)
		p[2] = byte(f.Table)
		if err := putText(p[8:8+tableNameLen], "table name", f.Name); err != nil {
			return nil, err
		}
		binary.BigEndian.PutUint64(p[40:], f.MetadataMatch)
		binary.BigEndian.PutUint64(p[48:], f.MetadataWrite)
		binary.BigEndian.PutUint32(p[56:], uint32(f.Config))
		binary.BigEndian.PutUint32(p[60:], f.MaxEntries)
		var err error
		if dst, err = appendTableProperties(dst, f.Properties); err != nil {
			return nil, err
		}
		if err := putLength(dst, start, 0, "table features"); err != nil {
			return nil, err
		}
	}
	return dst, nil
}

// tableProperties reads properties up to the cursor's end.
func (c *cursor) tableProperties() (props []TableProperty) {
	props = slices.Grow(props, c.aheadPadded(2, 4, 8))
	for c.more() {
		outer, ok := c.enter("table property", 2, 4)
		if !ok {
			return nil
		}
		n := c.left()
		v := TableProperty{Type: TablePropertyType(binary.BigEndian.Uint16(c.take(4, "table property")))}
		switch v.Type {
		case TablePropInstructions, TablePropInstructionsMiss:
			v.Instructions = slices.Grow(v.Instructions, c.ahead(2, 4))
			for c.more() {
				t, experimenter, data := c.featureID("instruction ID")
				v.Instructions = append(v.Instructions, InstructionID{InstructionType(t), experimenter, data})
			}
		case TablePropNextTables, TablePropNextTablesMiss:
			v.Tables = slices.Grow(v.Tables, c.left())
			for c.more() {
				v.Tables = append(v.Tables, TableID(c.take(1, "table ID")[0]))
			}
		case TablePropWriteActions, TablePropWriteActionsMiss, TablePropApplyActions, TablePropApplyActionsMiss:
			v.Actions = slices.Grow(v.Actions, c.ahead(2, 4))
			for c.more() {
				t, experimenter, data := c.featureID("action ID")
				v.Actions = append(v.Actions, ActionID{ActionType(t), experimenter, data})
			}
		case TablePropMatch, TablePropWildcards, TablePropWriteSetField, TablePropWriteSetFieldMiss,
			TablePropApplySetField, TablePropApplySetFieldMiss:
			v.Fields = slices.Grow(v.Fields, c.left()/4)
			for c.more() {
				v.Fields = append(v.Fields, c.oxmID())
			}
		default:
			v.Data = c.rest()
		}
		c.leave("table property", outer)
		c.pad(n, "table property padding")
		props = append(props, v)
	}
	return props
}

// featureID reads the ID of an instruction or of an action: both are their
// headers, and go on for experimenters. Early switches send the whole 8 bytes
// of an action's header; what is beyond the 4 that count is kept.
func (c *cursor) featureID(field string) (t uint16, experimenter uint32, data string) {
	start := c.off
	outer, ok := c.enter(field, 2, 4)
	if !ok {
		return 0, 0, ""
	}
	t = binary.BigEndian.Uint16(c.take(4, field))
	if t == uint16(ActionExperimenter) {
		if c.left() < 4 {
			c.fail(field+" length", start+2, ErrLength)
			return 0, 0, ""
		}
		experimenter = binary.BigEndian.Uint32(c.take(4, field))
	}
	data = c.restString()
	c.leave(field, outer)
	return t, experimenter, data
}

func (c *cursor) oxmID() (id OXMID) {
	p := c.take(4, "match field ID")
	if p == nil {
		return OXMID{}
	}
	id = OXMID{
		Class:  OXMClass(binary.BigEndian.Uint16(p)),
		Field:  Field(p[2] >> 1),
		Masked: p[2]&1 != 0,
		Length: p[3],
	}
	if id.Class == OXMClassExperimenter {
		if p := c.take(4, "match field ID"); p != nil {
			id.Experimenter = binary.BigEndian.Uint32(p)
		}
	}
	return id
}

func appendTableProperties(dst []byte, props []TableProperty) ([]byte, error) {
	for i := range props {
		start := len(dst)
		var err error
		if dst, err = props[i].append(dst); err != nil {
			return nil, err
		}
		if err := putLength(dst, start, 2, "table property"); err != nil {
			return nil, err
		}
		dst = appendPadding(dst, start)
	}
	return dst, nil
}

// append appends the property without its length and padding.
func (v *TableProperty) append(dst []byte) ([]byte, error) {
	dst = binary.BigEndian.AppendUint16(dst, uint16(v.Type))
	dst = append(dst, 0, 0)
	var err error
	switch v.Type {
	case TablePropInstructions, TablePropInstructionsMiss:
		for _, id := range v.Instructions {
			if dst, err = appendFeatureID(dst, uint16(id.Type), id.Experimenter, id.Data); err != nil {
				return nil, err
			}
		}
	case TablePropNextTables, TablePropNextTablesMiss:
		for _, t := range v.Tables {
			dst = append(dst, byte(t))
		}
	case TablePropWriteActions, TablePropWriteActionsMiss, TablePropApplyActions, TablePropApplyActionsMiss:
		for _, id := range v.Actions {
			if dst, err = appendFeatureID(dst, uint16(id.Type), id.Experimenter, id.Data); err != nil {
				return nil, err
			}
		}
	case TablePropMatch, TablePropWildcards, TablePropWriteSetField, TablePropWriteSetFieldMiss,
		TablePropApplySetField, TablePropApplySetFieldMiss:
		for _, id := range v.Fields {
			dst = id.append(dst)
		}
	default:
		dst = append(dst, v.Data...)
	}
	return dst, nil
}

func appendFeatureID(dst []byte, t uint16, experimenter uint32, data string) ([]byte, error) {
	start := len(dst)
	dst = binary.BigEndian.AppendUint16(dst, t)
	dst = append(dst, 0, 0)
	if t == uint16(ActionExperimenter) {
		dst = binary.BigEndian.AppendUint32(dst, experimenter)
	}
	dst = append(dst, data...)
	return dst, putLength(dst, start, 2, "feature ID")
}

func (id OXMID) append(dst []byte) []byte {
	field := uint8(id.Field) << 1
	if id.Masked {
		field |= 1
	}
	dst = binary.BigEndian.AppendUint16(dst, uint16(id.Class))
	dst = append(dst, field, id.Length)
	if id.Class == OXMClassExperimenter {
		dst = binary.BigEndian.AppendUint32(dst, id.Experimenter)
	}
	return dst
}
