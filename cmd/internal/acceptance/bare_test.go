package acceptance

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/gin-gonic/gin"

	"conga/httpapi/serve"
	"log/slog"
)

// bareSizes is the environment variable that makes the test's program run as
// the bare server; its value is the sizes, as JSON.
const bareSizes = "CONGA_BARE_SIZES"

// A bareServer is a Gin server in a process of its own.
type bareServer struct {
	cmd *exec.Cmd
	url string
}

// startBare starts a bare server with congad's certificate.
func (w *world) startBare(b testing.TB) *bareServer {
	b.Helper()
	sizes, err := json.Marshal(w.sizes(w.user(b, "abc123", "load")))
	if err != nil {
		b.Fatal(err)
	}
	s := &bareServer{cmd: exec.Command(os.Args[0])}
	s.cmd.Env = append(os.Environ(), bareSizes+"="+string(sizes), "CONGA_BARE_DATA="+w.data)
	s.cmd.Stderr = os.Stderr
	out, err := s.cmd.StdoutPipe()
	if err == nil {
		err = s.cmd.Start()
	}
	if err != nil {
		b.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if s.url = strings.TrimSpace(line); err != nil || !strings.HasPrefix(s.url, "https://") {
		s.stop()
		b.Fatalf("the bare server says %q: %v", line, err)
	}
	return s
}

func (s *bareServer) stop() {
	_ = s.cmd.Process.Signal(syscall.SIGTERM)
	_ = s.cmd.Wait()
}

// serveBare answers every request of the load with a constant, until the
// process is ended.
func serveBare(sizes, data string) error {
	var n map[string]int
	if err := json.Unmarshal([]byte(sizes), &n); err != nil {
		return err
	}
	gin.SetMode(gin.ReleaseMode)
	r := gin.New()
	constant := func(code int, size int) gin.HandlerFunc {
		text := []byte(strings.Repeat("x", size))
		return func(c *gin.Context) {
			if c.Request.ContentLength > 0 {
				_, _ = io.Copy(io.Discard, c.Request.Body)
			}
			c.Header("Location", "/api/v1/allocations/00000000-0000-0000-0000-000000000000")
			c.Data(code, "application/json", text)
		}
	}
	r.POST("/api/v1/allocations", constant(201, n["create"]))
	r.GET("/api/v1/allocations", constant(200, n["list"]))
	r.GET("/api/v1/allocations/:id", constant(200, n["show"]))
	r.PATCH("/api/v1/allocations/:id", constant(200, n["update"]))
	r.DELETE("/api/v1/allocations/:id", constant(200, n["delete"]))
	r.GET("/api/v1/stats/allocations/:id", constant(200, n["stats"]))

	cfg, _, err := serve.LoadTLS(serve.TLSFiles{Cert: filepath.Join(data, "api.crt"), Key: filepath.Join(data, "api.key")})
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println("https://" + l.Addr().String())
	return serve.NewServer(r, cfg, slog.New(slog.DiscardHandler)).ServeTLS(l, "", "")
}
