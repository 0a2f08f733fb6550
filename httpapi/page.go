package httpapi

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"conga/httpapi/rest"
)

// A Page is what browsers are served at / and below: it is no resource, and
// only what no resource has the address of.
type Page interface {
	http.Handler
	// Has reports whether there is something at an address.
	Has(address string) bool
}

// keyPage is under which a request's context says that the page answers it.
const keyPage = "conga.page"

// pageOrNothing answers requests without a route: those of browsers with the
// page, all others with an envelope. At / a browser is a client that asks for
// HTML by name, so that programs get what they always did.
func (a *api) pageOrNothing(c *gin.Context) {
	address := c.Request.URL.Path
	reads := c.Request.Method == http.MethodGet || c.Request.Method == http.MethodHead
	if a.Page == nil || !reads || !a.Page.Has(address) || address == "/" && !rest.Accepts(c.Request.Header, "text/html") {
		a.fail(c, errNoResource)
		return
	}
	c.Set(keyPage, true)
	c.Status(http.StatusOK)
	a.Page.ServeHTTP(c.Writer, c.Request)
}
