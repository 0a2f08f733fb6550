package openflow

import "encoding/binary"

// DescReply describes the switch; its strings are for people (§7.3.5.1).
type DescReply struct {
	Manufacturer string // at most 255 bytes
	Hardware     string // at most 255 bytes
	Software     string // at most 255 bytes
	SerialNum    string // at most 31 bytes
	Datapath     string // at most 255 bytes
}

// ExperimenterRequest is a multipart request that an experimenter defines
// (§7.3.5.15).
type ExperimenterRequest struct {
	Experimenter uint32
	ExpType      uint32
	Data         []byte
}

// ExperimenterReply answers an experimenter multipart request (§7.3.5.15).
type ExperimenterReply struct {
	Experimenter uint32
	ExpType      uint32
	Data         []byte
}

const (
	descLen   = 256
	serialLen = 32
)

func (*DescReply) replyType() MultipartType { return MultipartDesc }

func parseDesc(c *cursor) *DescReply {
	p := c.take(4*descLen+serialLen, "description")
	if p == nil {
		return nil
	}
	return &DescReply{
		Manufacturer: c.text(p[:descLen]),
		Hardware:     c.text(p[descLen : 2*descLen]),
		Software:     c.text(p[2*descLen : 3*descLen]),
		SerialNum:    c.text(p[3*descLen : 3*descLen+serialLen]),
		Datapath:     c.text(p[3*descLen+serialLen:]),
	}
}

func (d *DescReply) appendReply(dst []byte) ([]byte, error) {
	dst, p := grow(dst, 4*descLen+serialLen)
	for _, field := range []struct {
		name, value string
		size        int
	}{
		{"manufacturer", d.Manufacturer, descLen},
		{"hardware", d.Hardware, descLen},
		{"software", d.Software, descLen},
		{"serial number", d.SerialNum, serialLen},
		{"datapath", d.Datapath, descLen},
	} {
		if err := putText(p[:field.size], field.name, field.value); err != nil {
			return nil, err
		}
		p = p[field.size:]
	}
	return dst, nil
}

func (*ExperimenterRequest) requestType() MultipartType { return MultipartExperimenter }

func (*ExperimenterReply) replyType() MultipartType { return MultipartExperimenter }

// experimenter reads what experimenter messages and multipart bodies share.
func (c *cursor) experimenter() (id, expType uint32, data []byte) {
	p := c.take(8, "experimenter")
	if p == nil {
		return 0, 0, nil
	}
	return binary.BigEndian.Uint32(p), binary.BigEndian.Uint32(p[4:]), c.rest()
}

func appendExperimenter(dst []byte, id, expType uint32, data []byte) []byte {
	dst = binary.BigEndian.AppendUint32(dst, id)
	dst = binary.BigEndian.AppendUint32(dst, expType)
	return append(dst, data...)
}

func (r *ExperimenterRequest) appendRequest(dst []byte) ([]byte, error) {
	return appendExperimenter(dst, r.Experimenter, r.ExpType, r.Data), nil
}

func (r *ExperimenterReply) appendReply(dst []byte) ([]byte, error) {
	return appendExperimenter(dst, r.Experimenter, r.ExpType, r.Data), nil
}
