package httpapi

import (
	"net/http"

	"github.com/gin-gonic/gin"
)

var errOperator = newFault(http.StatusForbidden, "api_key: this resource is the operator's; a key of a project does not open it")

// operated serves a resource of the operator. It depends on the key alone, so
// that nobody else learns what exists.
func (a *api) operated(h handler) gin.HandlerFunc {
	return a.keyed(func(x *exchange) error {
		if !x.key.Admin {
			return errOperator
		}
		return h(x)
	})
}

// inventory are the resources that tell what the network is made of.
func (a *api) inventory(g *gin.RouterGroup) {
	read := []string{http.MethodGet, http.MethodHead}
	g.Match(read, "/switches", a.operated(a.listSwitches))
	g.Match(read, "/switches/:dpid", a.operated(a.showSwitch))
	g.Match(read, "/links", a.operated(a.listLinks))
	g.Match(read, "/hosts", a.operated(a.listHosts))
	g.Match(read, "/attachments", a.operated(a.listAttachments))
	g.Match(read, "/paths", a.keyed(a.showPath))
}

// statistics are the resources that tell what goes through it.
func (a *api) statistics(g *gin.RouterGroup) {
	if a.Statistics == nil {
		return
	}
	read := []string{http.MethodGet, http.MethodHead}
	g.Match(read, "/stats", a.keyed(a.showTotals))
	g.Match(read, "/stats/allocations", a.keyed(a.listAllocationStats))
	g.Match(read, "/stats/allocations/:id", a.keyed(a.showAllocationStats))
	g.Match(read, "/stats/links", a.operated(a.listLinkStats))
	g.Match(read, "/stats/switches", a.operated(a.listSwitchStats))
	g.Match(read, "/stats/switches/:dpid", a.operated(a.showSwitchStats))
	g.Match(read, "/stats/switches/:dpid/ports", a.operated(a.listPortStats))
	g.Match(read, "/stats/switches/:dpid/flows", a.operated(a.listFlowStats))
	g.Match(read, "/stats/switches/:dpid/tables", a.operated(a.listTableStats))
	g.Match(read, "/stats/switches/:dpid/meters", a.operated(a.listMeterStats))
}
