package openflow

var queueSamples = []sample{
	{"queue get config request", &QueueGetConfigRequest{Port: PortAny}},
	{"queue get config reply", &QueueGetConfigReply{Port: 3, Queues: []PacketQueue{
		{ID: 1, Port: 3},
		{ID: 2, Port: 3, Properties: []QueueProperty{
			{Type: QueueMinRate, Rate: 100},
			{Type: QueueMaxRate, Rate: 1000},
			{Type: QueueExperimenter, Experimenter: 0x2320, Data: []byte{1, 2, 3, 4, 5, 6, 7, 8}},
			{Type: 77, Data: []byte{1, 2, 3, 4, 5, 6, 7, 8}},
		}},
	}}},
	{"queue get config reply without queues", &QueueGetConfigReply{Port: 3}},
}
