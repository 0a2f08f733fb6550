package openflow

import "errors"

var errStub = errors.New("openflow: not yet")

// Parse reads one whole message.
func Parse(b []byte) (Header, Message, error) { return Header{}, nil, errStub }

// Append appends one whole message to dst.
func Append(dst []byte, xid uint32, m Message) ([]byte, error) { return dst, errStub }

// Error implements error.
func (m *Error) Error() string                                            { return "openflow: error" }
func (m *Hello) appendBody(dst []byte) ([]byte, error)                    { return dst, errStub }
func (m *Error) appendBody(dst []byte) ([]byte, error)                    { return dst, errStub }
func (m *EchoRequest) appendBody(dst []byte) ([]byte, error)              { return dst, errStub }
func (m *EchoReply) appendBody(dst []byte) ([]byte, error)                { return dst, errStub }
func (m *Experimenter) appendBody(dst []byte) ([]byte, error)             { return dst, errStub }
func (m *FeaturesRequest) appendBody(dst []byte) ([]byte, error)          { return dst, errStub }
func (m *FeaturesReply) appendBody(dst []byte) ([]byte, error)            { return dst, errStub }
func (m *GetConfigRequest) appendBody(dst []byte) ([]byte, error)         { return dst, errStub }
func (m *GetConfigReply) appendBody(dst []byte) ([]byte, error)           { return dst, errStub }
func (m *SetConfig) appendBody(dst []byte) ([]byte, error)                { return dst, errStub }
func (m *PacketIn) appendBody(dst []byte) ([]byte, error)                 { return dst, errStub }
func (m *FlowRemoved) appendBody(dst []byte) ([]byte, error)              { return dst, errStub }
func (m *PortStatus) appendBody(dst []byte) ([]byte, error)               { return dst, errStub }
func (m *PacketOut) appendBody(dst []byte) ([]byte, error)                { return dst, errStub }
func (m *FlowMod) appendBody(dst []byte) ([]byte, error)                  { return dst, errStub }
func (m *GroupMod) appendBody(dst []byte) ([]byte, error)                 { return dst, errStub }
func (m *PortMod) appendBody(dst []byte) ([]byte, error)                  { return dst, errStub }
func (m *TableMod) appendBody(dst []byte) ([]byte, error)                 { return dst, errStub }
func (m *MultipartRequest) appendBody(dst []byte) ([]byte, error)         { return dst, errStub }
func (m *MultipartReply) appendBody(dst []byte) ([]byte, error)           { return dst, errStub }
func (m *BarrierRequest) appendBody(dst []byte) ([]byte, error)           { return dst, errStub }
func (m *BarrierReply) appendBody(dst []byte) ([]byte, error)             { return dst, errStub }
func (m *QueueGetConfigRequest) appendBody(dst []byte) ([]byte, error)    { return dst, errStub }
func (m *QueueGetConfigReply) appendBody(dst []byte) ([]byte, error)      { return dst, errStub }
func (m *RoleRequest) appendBody(dst []byte) ([]byte, error)              { return dst, errStub }
func (m *RoleReply) appendBody(dst []byte) ([]byte, error)                { return dst, errStub }
func (m *GetAsyncRequest) appendBody(dst []byte) ([]byte, error)          { return dst, errStub }
func (m *GetAsyncReply) appendBody(dst []byte) ([]byte, error)            { return dst, errStub }
func (m *SetAsync) appendBody(dst []byte) ([]byte, error)                 { return dst, errStub }
func (m *MeterMod) appendBody(dst []byte) ([]byte, error)                 { return dst, errStub }
func (*FlowStatsRequest) requestType() MultipartType                      { return MultipartFlow }
func (m *FlowStatsRequest) appendRequest(dst []byte) ([]byte, error)      { return dst, errStub }
func (*AggregateStatsRequest) requestType() MultipartType                 { return MultipartAggregate }
func (m *AggregateStatsRequest) appendRequest(dst []byte) ([]byte, error) { return dst, errStub }
func (*PortStatsRequest) requestType() MultipartType                      { return MultipartPortStats }
func (m *PortStatsRequest) appendRequest(dst []byte) ([]byte, error)      { return dst, errStub }
func (*QueueStatsRequest) requestType() MultipartType                     { return MultipartQueue }
func (m *QueueStatsRequest) appendRequest(dst []byte) ([]byte, error)     { return dst, errStub }
func (*GroupStatsRequest) requestType() MultipartType                     { return MultipartGroup }
func (m *GroupStatsRequest) appendRequest(dst []byte) ([]byte, error)     { return dst, errStub }
func (*MeterStatsRequest) requestType() MultipartType                     { return MultipartMeter }
func (m *MeterStatsRequest) appendRequest(dst []byte) ([]byte, error)     { return dst, errStub }
func (*MeterConfigRequest) requestType() MultipartType                    { return MultipartMeterConfig }
func (m *MeterConfigRequest) appendRequest(dst []byte) ([]byte, error)    { return dst, errStub }
func (TableFeaturesRequest) requestType() MultipartType                   { return MultipartTableFeatures }
func (m TableFeaturesRequest) appendRequest(dst []byte) ([]byte, error)   { return dst, errStub }
func (*ExperimenterRequest) requestType() MultipartType                   { return MultipartExperimenter }
func (m *ExperimenterRequest) appendRequest(dst []byte) ([]byte, error)   { return dst, errStub }
func (*DescReply) replyType() MultipartType                               { return MultipartDesc }
func (m *DescReply) appendReply(dst []byte) ([]byte, error)               { return dst, errStub }
func (FlowStatsReply) replyType() MultipartType                           { return MultipartFlow }
func (m FlowStatsReply) appendReply(dst []byte) ([]byte, error)           { return dst, errStub }
func (*AggregateStatsReply) replyType() MultipartType                     { return MultipartAggregate }
func (m *AggregateStatsReply) appendReply(dst []byte) ([]byte, error)     { return dst, errStub }
func (TableStatsReply) replyType() MultipartType                          { return MultipartTable }
func (m TableStatsReply) appendReply(dst []byte) ([]byte, error)          { return dst, errStub }
func (PortStatsReply) replyType() MultipartType                           { return MultipartPortStats }
func (m PortStatsReply) appendReply(dst []byte) ([]byte, error)           { return dst, errStub }
func (QueueStatsReply) replyType() MultipartType                          { return MultipartQueue }
func (m QueueStatsReply) appendReply(dst []byte) ([]byte, error)          { return dst, errStub }
func (GroupStatsReply) replyType() MultipartType                          { return MultipartGroup }
func (m GroupStatsReply) appendReply(dst []byte) ([]byte, error)          { return dst, errStub }
func (GroupDescReply) replyType() MultipartType                           { return MultipartGroupDesc }
func (m GroupDescReply) appendReply(dst []byte) ([]byte, error)           { return dst, errStub }
func (*GroupFeatures) replyType() MultipartType                           { return MultipartGroupFeatures }
func (m *GroupFeatures) appendReply(dst []byte) ([]byte, error)           { return dst, errStub }
func (MeterStatsReply) replyType() MultipartType                          { return MultipartMeter }
func (m MeterStatsReply) appendReply(dst []byte) ([]byte, error)          { return dst, errStub }
func (MeterConfigReply) replyType() MultipartType                         { return MultipartMeterConfig }
func (m MeterConfigReply) appendReply(dst []byte) ([]byte, error)         { return dst, errStub }
func (*MeterFeatures) replyType() MultipartType                           { return MultipartMeterFeatures }
func (m *MeterFeatures) appendReply(dst []byte) ([]byte, error)           { return dst, errStub }
func (TableFeaturesReply) replyType() MultipartType                       { return MultipartTableFeatures }
func (m TableFeaturesReply) appendReply(dst []byte) ([]byte, error)       { return dst, errStub }
func (PortDescReply) replyType() MultipartType                            { return MultipartPortDesc }
func (m PortDescReply) appendReply(dst []byte) ([]byte, error)            { return dst, errStub }
func (*ExperimenterReply) replyType() MultipartType                       { return MultipartExperimenter }
func (m *ExperimenterReply) appendReply(dst []byte) ([]byte, error)       { return dst, errStub }

// A Reassembler merges the parts of multipart replies.
type Reassembler struct {
	// MaxBytes is how many bytes of parts it holds before it gives up on a reply.
	MaxBytes int
}

// Add takes one part of n bytes on the wire; it returns the whole reply when this was the last part, and
// nil while more are to come.
func (r *Reassembler) Add(xid uint32, n int, part *MultipartReply) (*MultipartReply, error) {
	return nil, errStub
}

// ParseMatch reads ovs-ofctl match syntax.
func ParseMatch(text string) (Match, error) { return nil, errStub }

// ParseFlow reads ovs-ofctl flow syntax, as add-flow takes it.
func ParseFlow(text string) (*FlowMod, error) { return nil, errStub }
