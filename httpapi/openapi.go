package httpapi

import (
	"net/http"

	"conga/httpapi/openapi"
	"conga/httpapi/rest"

	"github.com/gin-gonic/gin"
)

// showOpenAPI serves GET and HEAD /openapi.json.
func (a *api) showOpenAPI(c *gin.Context) {
	text, err := openapi.Document()
	if err != nil {
		a.fail(c, err)
		return
	}
	rest.Write(c, http.StatusOK, rest.TypeJSON, text)
}
