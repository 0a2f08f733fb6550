package openflow

var sampleBuckets = []Bucket{
	{WatchPort: 1, WatchGroup: GroupAny, Actions: []Action{Output(1, 0)}},
	{WatchPort: 2, WatchGroup: 9, Actions: []Action{SetField(EthDst(MAC{1, 2, 3, 4, 5, 6})), Output(2, 0)}},
}

var groupSamples = []sample{
	{"group mod", &GroupMod{Command: GroupAdd, GroupType: GroupTypeFF, ID: 7, Buckets: sampleBuckets}},
	{"group mod select", &GroupMod{Command: GroupModify, GroupType: GroupTypeSelect, ID: 8, Buckets: []Bucket{
		{Weight: 50, WatchPort: PortAny, WatchGroup: GroupAny, Actions: []Action{Output(1, 0)}},
		{Weight: 100, WatchPort: PortAny, WatchGroup: GroupAny},
	}}},
	{"group mod delete", &GroupMod{Command: GroupDelete, ID: GroupAll}},
}
