package openflow

import "fmt"

// errorNames names the error types and their codes, for [Error.Error].
var errorNames = [...]struct {
	name  string
	codes []string
}{
	ErrorTypeHelloFailed: {"hello failed", []string{
		"no common version", "permission denied",
	}},
	ErrorTypeBadRequest: {"bad request", []string{
		"bad version", "bad type", "bad multipart type", "bad experimenter", "bad experimenter type",
		"permission denied", "bad length", "buffer already used", "unknown buffer", "bad table",
		"controller is slave", "bad port", "bad packet", "multipart request too long",
	}},
	ErrorTypeBadAction: {"bad action", []string{
		"bad type", "bad length", "bad experimenter", "bad experimenter type", "bad output port",
		"bad argument", "permission denied", "too many actions", "bad queue", "bad group",
		"inconsistent with the match", "unsupported order", "bad tag", "bad set field type",
		"bad set field length", "bad set field argument",
	}},
	ErrorTypeBadInstruction: {"bad instruction", []string{
		"unknown instruction", "unsupported instruction", "bad table", "unsupported metadata",
		"unsupported metadata mask", "bad experimenter", "bad experimenter type", "bad length",
		"permission denied", "duplicate instruction",
	}},
	ErrorTypeBadMatch: {"bad match", []string{
		"bad type", "bad length", "bad tag", "bad Ethernet address mask", "bad network address mask",
		"bad combination of wildcards", "bad field", "bad value", "bad mask", "bad prerequisite",
		"duplicate field", "permission denied",
	}},
	ErrorTypeFlowModFailed: {"flow mod failed", []string{
		"unknown", "table full", "bad table", "overlap", "permission denied", "bad timeout",
		"bad command", "bad flags",
	}},
	ErrorTypeGroupModFailed: {"group mod failed", []string{
		"group exists", "invalid group", "weight unsupported", "out of groups", "out of buckets",
		"chaining unsupported", "watch unsupported", "loop", "unknown group",
		"group is in use by another", "bad type", "bad command", "bad bucket", "bad watch",
		"permission denied",
	}},
	ErrorTypePortModFailed: {"port mod failed", []string{
		"bad port", "bad hardware address", "bad configuration", "bad advertised features",
		"permission denied",
	}},
	ErrorTypeTableModFailed: {"table mod failed", []string{
		"bad table", "bad configuration", "permission denied",
	}},
	ErrorTypeQueueOpFailed: {"queue operation failed", []string{
		"bad port", "bad queue", "permission denied",
	}},
	ErrorTypeSwitchConfigFailed: {"switch config failed", []string{
		"bad flags", "bad length", "permission denied",
	}},
	ErrorTypeRoleRequestFailed: {"role request failed", []string{
		"stale generation", "unsupported role change", "bad role",
	}},
	ErrorTypeMeterModFailed: {"meter mod failed", []string{
		"unknown", "meter exists", "invalid meter", "unknown meter", "bad command", "bad flags",
		"bad rate", "bad burst", "bad band", "bad band value", "out of meters", "out of bands",
	}},
	ErrorTypeTableFeaturesFailed: {"table features failed", []string{
		"bad table", "bad metadata", "bad type", "bad length", "bad argument", "permission denied",
	}},
}

// bundleErrorNames names the codes from 2300 on of the ONF experimenter errors
// for bundles (ONF EXT-230).
var bundleErrorNames = [...]string{
	"unknown", "permission denied", "bad bundle ID", "bundle exists", "bundle closed", "out of bundles", "bad type",
	"bad flags", "message has bad length", "message has bad XID", "message unsupported", "message conflicts",
	"too many messages", "message failed", "timeout", "bundle in progress",
}

// onfErrorNames names the other errors that ONF added to OpenFlow 1.3 as an
// experimenter.
var onfErrorNames = map[uint16]string{
	2360: "flow mod failed: bad priority",
	2600: "bad instruction: duplicate instruction",
	2640: "bad request: multipart request timed out",
	2641: "bad request: multipart reply timed out",
	4250: "bad action: bad set field mask",
}

// String returns the type's name in lower case.
func (t ErrorType) String() string {
	switch {
	case t == ErrorTypeExperimenter:
		return "experimenter error"
	case int(t) < len(errorNames):
		return errorNames[t].name
	}
	return fmt.Sprintf("error type %d", uint16(t))
}

// Error names the type and the code, so that an *Error can be returned as a Go
// error.
func (m *Error) Error() string {
	if m.ErrType == ErrorTypeExperimenter {
		if m.Experimenter == ExperimenterONF {
			if i := int(m.Code) - int(expTypeBundleCtrl); i >= 0 && i < len(bundleErrorNames) {
				return "openflow: bundle failed: " + bundleErrorNames[i]
			}
			if name := onfErrorNames[m.Code]; name != "" {
				return "openflow: " + name
			}
		}
		return fmt.Sprintf("openflow: error %d of experimenter %#08x", m.Code, m.Experimenter)
	}
	code := fmt.Sprintf("code %d", m.Code)
	if int(m.ErrType) < len(errorNames) {
		code = enumName("code", errorNames[m.ErrType].codes, m.Code)
	}
	return fmt.Sprintf("openflow: %v: %s", m.ErrType, code)
}

// NewError returns the error that refuses a request, with data as what it says
// of the request.
func NewError(code ErrorCode, data []byte) *Error {
	return &Error{ErrType: code.errorType(), Code: code.code(), Data: data}
}

// Has reports whether the error is of the code and its type.
func (m *Error) Has(code ErrorCode) bool {
	return m.ErrType == code.errorType() && m.Code == code.code()
}
