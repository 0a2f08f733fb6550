package channel

import (
	"log/slog"
	"sync"
	"time"
)

// failureEvery is how often a failure is logged at most; anyone can connect and fail.
const failureEvery = time.Second

// failureLog logs failures, but not more often than a log can bear.
type failureLog struct {
	mu      sync.Mutex
	last    time.Time
	skipped int
}

// warn logs, or counts what it leaves out.
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
