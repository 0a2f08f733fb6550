package httpapi

import "testing"

// TestAuditedInOneOrder: no two attributes have the same place in the audit
// log's details.
func TestAuditedInOneOrder(t *testing.T) {
	at := map[int]string{}
	for _, a := range attributes {
		if other, taken := at[a.audited]; a.audited > 0 && taken {
			t.Errorf("%s and %s are both number %d", other, a.name, a.audited)
		}
		at[a.audited] = a.name
	}
}
