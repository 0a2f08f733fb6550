package channel

import (
	"log/slog"
	"sync"
	"time"
)

// failureEvery is the least time between two failures in the log: any host can
// connect and fail.
const failureEvery = time.Second

// A failureLog logs failures, at most one in failureEvery.
type failureLog struct {
	mu      sync.Mutex
	last    time.Time
	skipped int
}

// warn logs a failure, or counts it for the next one that is logged.
func (f *failureLog) warn(log *slog.Logger, msg string, args ...any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := time.Now()
	if now.Sub(f.last) < failureEvery {
		f.skipped++
		return
	}
	if f.skipped > 0 {
		args = append(args, "skipped", f.skipped)
	}
	f.last, f.skipped = now, 0
	log.Warn(msg, args...)
}
