package openflow

import (
	"errors"
	"testing"
)

var multipartSamples = []sample{
	{"desc request", &MultipartRequest{MPType: MultipartDesc}},
	{"table stats request", &MultipartRequest{MPType: MultipartTable}},
	{"group desc request", &MultipartRequest{MPType: MultipartGroupDesc}},
	{"group features request", &MultipartRequest{MPType: MultipartGroupFeatures}},
	{"meter features request", &MultipartRequest{MPType: MultipartMeterFeatures}},
	{"port desc request", &MultipartRequest{MPType: MultipartPortDesc}},
	{"desc reply", NewMultipartReply(&DescReply{
		Manufacturer: "Nicira, Inc.", Hardware: "Open vSwitch", Software: "3.1.0", SerialNum: "None", Datapath: "s1",
	})},
	{"experimenter multipart request", NewMultipartRequest(&ExperimenterRequest{Experimenter: 0x2320, ExpType: 1, Data: []byte{1}})},
	{"experimenter multipart reply", NewMultipartReply(&ExperimenterReply{Experimenter: 0x2320, ExpType: 1, Data: []byte{1}})},
	{"first part", &MultipartReply{MPType: MultipartPortDesc, Flags: MultipartMore, Body: PortDescReply{samplePort}}},
}

func TestMultipartBodyMustFit(t *testing.T) {
	for _, m := range []Message{
		&MultipartRequest{MPType: MultipartFlow},
		&MultipartRequest{MPType: MultipartDesc, Body: AllFlows()},
		&MultipartReply{MPType: MultipartDesc},
		&MultipartReply{MPType: MultipartFlow, Body: PortDescReply{}},
		NewMultipartReply(&DescReply{SerialNum: "a serial number of more than 32 bytes"}),
	} {
		if _, err := Append(nil, 1, m); !errors.Is(err, ErrValue) {
			t.Errorf("%+v: %v, want ErrValue", m, err)
		}
	}
}
