package httpapi

import (
	"bufio"
	"encoding/json"
	"net/http"
	"net/netip"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"

	"conga/httpapi/auth"
	"conga/httpapi/connections"
	"conga/httpapi/rest"
)

// covalencePath is the Covalence document's one address. Every answer there has
// the document's shape, errors included.
const covalencePath = "/connections"

// Keyless lets hosts use /connections, and nothing else, without a key, as
// agents do that were written when there were none. A client behind a proxy
// that is not trusted has the proxy's address; a trusted proxy's own is never
// keyless.
type Keyless struct {
	From    netip.Prefix // where such requests may come from
	Project string       // in whose name
	Read    bool         // see the project's connections, not only report them
}

// answerView answers a report.
type answerView struct {
	Success string      `json:"success"` // "True" or "False"
	Error   string      `json:"error"`   // "" without one
	IDs     []uuid.UUID `json:"connection_uuids"`
}

func failedReport(f *rest.Fault) answerView {
	return answerView{Success: "False", Error: f.Error(), IDs: []uuid.UUID{}}
}

// routeCovalence adds the document's own address.
func (a *api) routeCovalence(r gin.IRoutes) {
	if a.Connections == nil {
		return
	}
	r.POST(covalencePath, a.serve(reportForm, needsKeyOrHost, a.covalenceReport))
	r.Match(read, covalencePath, a.serve(objectForm, needsKeyOrHost, a.covalenceList))
}

// admitKeyless lets in a request that the rule lets do without a key.
func (a *api) admitKeyless(x *exchange, rule Keyless) error {
	if !a.Directory.Project(rule.Project) {
		return rest.NewFault(http.StatusForbidden, "there is no project any more in whose name this host could do without a key")
	}
	x.key = auth.Key{Project: rule.Project}
	return nil
}

// keylessRule returns the rule that lets a request do without a key. A request
// that shows a key needs a good one.
func (a *api) keylessRule(x *exchange) (Keyless, bool) {
	if len(a.Keyless) == 0 || x.showsKey() {
		return Keyless{}, false
	}
	from := rest.ClientAddr(x.Context).Unmap().WithZone("")
	if rest.Proxies(a.TrustedProxies).Trust(from) { // whatever client is behind it
		return Keyless{}, false
	}
	best, found := Keyless{}, false
	for _, k := range a.Keyless {
		// Of several that hold the address the narrowest counts.
		if k.From.Contains(from) && (!found || k.From.Bits() > best.From.Bits()) {
			best, found = k, true
		}
	}
	return best, found && (best.Read || x.Request.Method == http.MethodPost)
}

// showsKey reports whether the request tries to show a key, in whatever way.
func (x *exchange) showsKey() bool {
	h := x.Request.Header
	return h.Get("Authorization") != "" || h.Get("X-API-Key") != "" ||
		x.body.Has("api_key") || x.Request.URL.Query().Has("api_key")
}

// covalenceReport serves POST /connections.
func (a *api) covalenceReport(x *exchange) error {
	receipt, err := a.takeOver(x)
	if err != nil {
		return err
	}
	return rest.Send(x.Context, http.StatusOK, rest.TypeJSON, answerView{Success: "True", IDs: receipt.IDs})
}

// covalenceList serves GET and HEAD /connections: everything, as documented,
// unless a page is asked for.
func (a *api) covalenceList(x *exchange) error {
	q, want, err := a.connectionQuery(x)
	if err != nil {
		return err
	}
	if q.Asked() {
		page, err := a.pageOfConnections(x, q, want)
		if err != nil {
			return err
		}
		return x.stream(page)
	}
	all, _ := a.Connections.List(want, 0, -1)
	return x.stream(all)
}

// stream writes the connections one after the other: of a hundred thousand,
// the text as a whole would take tens of megabytes.
func (x *exchange) stream(list []*connections.Connection) error {
	x.Header("Content-Type", rest.TypeJSON)
	x.Writer.WriteHeader(http.StatusOK)
	if x.Request.Method == http.MethodHead {
		x.Writer.WriteHeaderNow()
		return nil
	}
	w := bufio.NewWriterSize(x.Writer, 32<<10)
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	for i, c := range list {
		_ = w.WriteByte("[,"[min(i, 1)])
		if enc.Encode(viewReported(c)) != nil {
			return nil // the client has gone
		}
	}
	if len(list) == 0 {
		_ = w.WriteByte('[')
	}
	_, _ = w.WriteString("]\n")
	_ = w.Flush()
	return nil
}
