package httpapi

import (
	"net/http"

	"github.com/gin-gonic/gin"
)

// inventory are the resources that tell what the network is made of; who may
// read them is in the table of roles.
func (a *api) inventory(g *gin.RouterGroup) {
	read := []string{http.MethodGet, http.MethodHead}
	g.Match(read, "/switches", a.keyed(a.listSwitches))
	g.Match(read, "/switches/:dpid", a.keyed(a.showSwitch))
	g.Match(read, "/links", a.keyed(a.listLinks))
	g.Match(read, "/hosts", a.keyed(a.listHosts))
	g.Match(read, "/attachments", a.keyed(a.listAttachments))
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
	g.Match(read, "/stats/links", a.keyed(a.listLinkStats))
	g.Match(read, "/stats/switches", a.keyed(a.listSwitchStats))
	g.Match(read, "/stats/switches/:dpid", a.keyed(a.showSwitchStats))
	g.Match(read, "/stats/switches/:dpid/ports", a.keyed(a.listPortStats))
	g.Match(read, "/stats/switches/:dpid/flows", a.keyed(a.listFlowStats))
	g.Match(read, "/stats/switches/:dpid/tables", a.keyed(a.listTableStats))
	g.Match(read, "/stats/switches/:dpid/meters", a.keyed(a.listMeterStats))
}
