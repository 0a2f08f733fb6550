package openflow

var switchSamples = []sample{
	{"features request", &FeaturesRequest{}},
	{"features reply", &FeaturesReply{
		DPID: 0x0000aabbccddeeff, NBuffers: 256, NTables: 254, AuxiliaryID: 1,
		Capabilities: CapFlowStats | CapTableStats | CapPortStats | CapGroupStats | CapQueueStats, Reserved: 9,
	}},
	{"get config request", &GetConfigRequest{}},
	{"get config reply", &GetConfigReply{Flags: ConfigFragReasm, MissSendLen: 128}},
	{"set config", &SetConfig{Flags: ConfigFragDrop, MissSendLen: MaxLenNoBuffer}},
	{"table mod", &TableMod{Table: TableAll, Config: 3}},
}
