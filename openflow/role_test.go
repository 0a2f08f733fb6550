package openflow

var sampleAsync = AsyncConfig{
	PacketIn: [2]uint32{7, 0}, PortStatus: [2]uint32{7, 7}, FlowRemoved: [2]uint32{15, 1},
}

var roleSamples = []sample{
	{"role request", &RoleRequest{Role: RoleMaster, GenerationID: 0x8000000000000001}},
	{"role reply", &RoleReply{Role: RoleSlave, GenerationID: 3}},
	{"get async request", &GetAsyncRequest{}},
	{"get async reply", &GetAsyncReply{sampleAsync}},
	{"set async", &SetAsync{sampleAsync}},
}
