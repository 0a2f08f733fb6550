package httpapi

import (
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"

	"conga/httpapi/rest"
)

// errBackupUnderWay refuses a second copy on the disk that the store is on.
var errBackupUnderWay = rest.NewFault(http.StatusServiceUnavailable,
	"another backup is being taken, and each takes as much room on the disk as the store; try again when that one has ended").After(time.Minute)

// sendBackup serves GET and HEAD /backup: the store at one moment. It has what
// opens webhooks and stands for keys, so that it is the admin's alone.
func (a *api) sendBackup(c *gin.Context) {
	x := &exchange{Context: c}
	err := a.byHeaders(x)
	if err == nil && x.secret == "" {
		err = rest.NewFault(http.StatusUnauthorized, "api_key: the admin's is required, as Authorization: Bearer")
	}
	if err == nil && !a.backingUp.CompareAndSwap(false, true) {
		err = errBackupUnderWay
	}
	if err != nil {
		a.fail(c, err)
		return
	}
	defer a.backingUp.Store(false)
	a.copyBackup(c)
}

// copyBackup has the store copied and sends the copy. The caller sees to it
// that there is no other one.
func (a *api) copyBackup(c *gin.Context) {
	conn := http.NewResponseController(c.Writer)
	// A large store takes longer to copy than the server has for a request.
	// What is sent after that has a limit of its own again.
	_ = conn.SetWriteDeadline(time.Time{})
	file, size, err := a.Backup(c.Request.Context())
	_ = conn.SetWriteDeadline(time.Now().Add(writeWait))
	if err != nil {
		a.fail(c, err)
		return
	}
	defer file.Close()
	c.Header("Content-Type", "application/octet-stream")
	c.Header("Content-Length", strconv.FormatInt(size, 10))
	c.Header("Cache-Control", "no-store")
	c.Status(http.StatusOK)
	if c.Request.Method == http.MethodHead {
		c.Writer.WriteHeaderNow()
		return
	}
	// A client that is cut off sees that by the length.
	if _, err := io.Copy(patientWriter{c.Writer, conn}, file); err != nil {
		a.Log.WarnContext(c.Request.Context(), "a backup was not taken to its end", "err", err)
	}
}

// A patientWriter writes for as long as the client takes some of it in time.
// The limit of the server is for answers that are short.
type patientWriter struct {
	io.Writer
	conn *http.ResponseController
}

// Write implements io.Writer.
func (w patientWriter) Write(b []byte) (int, error) {
	_ = w.conn.SetWriteDeadline(time.Now().Add(writeWait))
	return w.Writer.Write(b)
}
