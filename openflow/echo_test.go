package openflow

var echoSamples = []sample{
	{"echo request", &EchoRequest{Data: []byte("ping")}},
	{"echo request without data", &EchoRequest{}},
	{"echo reply", &EchoReply{Data: []byte("pong")}},
	{"barrier request", &BarrierRequest{}},
	{"barrier reply", &BarrierReply{}},
	{"experimenter", &Experimenter{Experimenter: 0x00002320, ExpType: 9, Data: []byte{1, 2, 3}}},
	{"experimenter without data", &Experimenter{Experimenter: 0x005c16c7, ExpType: 1}},
}
