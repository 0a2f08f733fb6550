package httpapi

import (
	"crypto/cipher"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"

	"github.com/gin-gonic/gin"
)

// An api is the configuration with the handlers as its methods, and a cache of
// what they have rendered.
type api struct {
	Config
	rendered    renderCache
	ordered     orderedCache
	crossOrigin *http.CrossOriginProtection
	sealer      cipher.AEAD
	backingUp   atomic.Bool // a backup is being taken
}

func newAPI(cfg Config) (*api, error) {
	sealer, err := newSealer()
	if err != nil {
		return nil, fmt.Errorf("httpapi: %w", err)
	}
	a := &api{Config: cfg, crossOrigin: http.NewCrossOriginProtection(), sealer: sealer}
	if cfg.Origin != "" {
		if err := a.crossOrigin.AddTrustedOrigin(cfg.Origin); err != nil {
			return nil, fmt.Errorf("httpapi: %w", err)
		}
	}
	return a, nil
}

// releaseMode keeps Gin from printing routes; it is a global of Gin's.
var releaseMode = sync.OnceFunc(func() { gin.SetMode(gin.ReleaseMode) })

// routes returns the handler of every address. Requests without a route get an
// envelope, too.
func (a *api) routes() http.Handler {
	releaseMode()
	r := gin.New()
	r.HandleMethodNotAllowed = true
	r.RedirectTrailingSlash = false // a redirected POST loses its body in many clients
	r.UseRawPath = true             // a project's name may have a slash in it
	_ = r.SetTrustedProxies(nil)    // that is for forwardedFor to say
	r.Use(a.middleware)
	r.NoRoute(a.pageOrNothing)
	r.NoMethod(func(c *gin.Context) { a.fail(c, errMethod(c)) })

	r.Match(read, "/healthz", a.healthz)
	r.Match(read, "/readyz", a.readyz)
	r.Match(read, "/openapi.json", a.showOpenAPI)
	if a.Metrics != nil {
		r.Match(read, "/metrics", a.showMetrics)
	}
	if a.Backup != nil {
		r.Match(read, "/backup", a.sendBackup)
	}
	a.routeCovalence(r)
	for _, base := range []string{"/api", "/api/v1"} {
		g := r.Group(base)
		g.Match(read, "", a.open(a.showIndex))
		a.keyRoutes(g)
		a.allocationRoutes(g)
		a.routeConnections(g)
		a.inventory(g)
		a.statistics(g)
		a.accountRoutes(g)
	}
	return r
}

// read are the methods of reading.
var read = []string{http.MethodGet, http.MethodHead}

// keyRoutes adds users' keys and operators'.
func (a *api) keyRoutes(g *gin.RouterGroup) {
	g.POST("/auth", a.open(a.requestKey))
	g.Match(read, "/auth/:key", a.open(a.showKey))
	g.POST("/auth/:key", a.open(a.renewKey))
	g.DELETE("/auth/:key", a.open(a.deleteKey))
	g.Match(read, "/session", a.open(a.showSession))
	g.POST("/session", a.open(a.beginSession))
	g.DELETE("/session", a.open(a.endSession))
	g.Match(read, "/session/oidc", a.open(a.showIssuer))
	g.POST("/session/oidc", a.open(a.beginSignIn))
	g.Match(read, "/keys", a.keyed(a.listKeys))
	g.Match(read, "/keys/:id", a.keyed(a.showHeldKey))
	g.DELETE("/keys/:id", a.keyed(a.endKey))
	g.Match(read, "/operators", a.keyed(a.listOperators))
	g.POST("/operators", a.keyed(a.notIdempotent(a.createOperator)))
	g.Match(read, "/operators/:name", a.keyed(a.showOperator))
	g.PATCH("/operators/:name", a.patched(a.renewOperator))
	g.DELETE("/operators/:name", a.keyed(a.deleteOperator))
}

func (a *api) allocationRoutes(g *gin.RouterGroup) {
	g.Match(read, "/allocations", a.keyed(a.listAllocations))
	g.POST("/allocations", a.keyed(a.validates(a.idempotent(a.createAllocation))))
	g.Match(read, "/allocations/:id", a.keyed(a.showAllocation))
	g.POST("/allocations/:id", a.keyed(a.idempotent(a.changeAllocation)))
	g.PATCH("/allocations/:id", a.patched(a.idempotent(a.changeAllocation)))
	g.PUT("/allocations/:id", a.keyed(a.replaceAllocation))
	g.DELETE("/allocations/:id", a.keyed(a.idempotent(a.deleteAllocation)))
	g.Match(read, "/series/:id", a.keyed(a.showSeries))
	g.DELETE("/series/:id", a.keyed(a.deleteSeries))
}

// accountRoutes adds events, webhooks, projects and the audit log.
func (a *api) accountRoutes(g *gin.RouterGroup) {
	g.Match(read, "/events", a.keyed(a.streamEvents))
	g.Match(read, "/webhooks", a.keyed(a.listWebhooks))
	g.POST("/webhooks", a.keyed(a.notIdempotent(a.createWebhook)))
	g.Match(read, "/webhooks/:id", a.keyed(a.showWebhook))
	g.PATCH("/webhooks/:id", a.patched(a.changeWebhook))
	g.PUT("/webhooks/:id", a.keyed(a.replaceWebhook))
	g.DELETE("/webhooks/:id", a.keyed(a.deleteWebhook))
	g.Match(read, "/projects", a.keyed(a.listProjects))
	g.Match(read, "/projects/:id", a.keyed(a.showProject))
	g.Match(read, "/projects/:id/calendar", a.keyed(a.showProjectCalendar))
	g.Match(read, "/audit", a.keyed(a.listAudit))
}

// inventory adds the resources that tell what the network is made of.
func (a *api) inventory(g *gin.RouterGroup) {
	g.Match(read, "/switches", a.keyed(a.listSwitches))
	g.Match(read, "/switches/:dpid", a.keyed(a.showSwitch))
	g.Match(read, "/links", a.keyed(a.listLinks))
	g.Match(read, "/links/:from/:to/calendar", a.keyed(a.showLinkCalendar))
	g.Match(read, "/hosts", a.keyed(a.listHosts))
	g.Match(read, "/attachments", a.keyed(a.listAttachments))
	g.Match(read, "/maintenance", a.keyed(a.listMaintenances))
	g.POST("/maintenance", a.keyed(a.rehearses(a.idempotent(a.createMaintenance))))
	g.Match(read, "/maintenance/:id", a.keyed(a.showMaintenance))
	g.DELETE("/maintenance/:id", a.keyed(a.idempotent(a.deleteMaintenance)))
	g.Match(read, "/paths", a.keyed(a.showPath))
	g.POST("/availability", a.keyed(a.showAvailability))
}

// statistics adds the resources that tell what the network carries.
func (a *api) statistics(g *gin.RouterGroup) {
	if a.Statistics == nil {
		return
	}
	g.Match(read, "/stats", a.keyed(a.showTotals))
	g.Match(read, "/stats/allocations", a.keyed(a.listAllocationStats))
	g.Match(read, "/stats/allocations/:id", a.keyed(a.showAllocationStats))
	g.Match(read, "/stats/allocations/:id/history", a.keyed(a.showAllocationHistory))
	g.Match(read, "/stats/links", a.keyed(a.listLinkStats))
	g.Match(read, "/stats/switches", a.keyed(a.listSwitchStats))
	g.Match(read, "/stats/switches/:dpid", a.keyed(a.showSwitchStats))
	g.Match(read, "/stats/switches/:dpid/ports", a.keyed(a.listPortStats))
	g.Match(read, "/stats/links/:from/:to/history", a.keyed(a.showLinkHistory))
	g.Match(read, "/stats/switches/:dpid/ports/:port/history", a.keyed(a.showPortHistory))
	g.Match(read, "/stats/switches/:dpid/flows", a.keyed(a.listFlowStats))
	g.Match(read, "/stats/switches/:dpid/tables", a.keyed(a.listTableStats))
	g.Match(read, "/stats/switches/:dpid/meters", a.keyed(a.listMeterStats))
}
