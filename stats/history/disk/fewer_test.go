package disk

import (
	"fmt"
	"os"
	"testing"
	"time"

	"conga/stats/history"
)

// TestManyFewerTracks lowers the bound so far that neither the list nor the
// journal would fit what as many tracks as now may have: what has room is kept.
func TestManyFewerTracks(t *testing.T) {
	w := begin(t, 5000)
	keys := make([]string, w.most)
	for i := range keys {
		keys[i] = fmt.Sprintf("track %d", i)
	}
	value := steps()
	w.run(15*time.Second, value, keys...)
	w.run(20*time.Minute, value, keys[:2]...)
	// The runs of tracks that are gone make the journal as long as it ever was.
	gone := make([]history.Reported, Size(128, time.Second)/history.RunSize)
	for i := range gone {
		gone[i] = history.Reported{ID: 1 << 30, Run: history.Run{To: 1000}}
	}
	now := w.at.UnixMilli()
	if err := w.journal.add(history.AppendRuns(nil, gone, w.tracks.Rolled(), now), w.tracks.Rolled(), now); err != nil {
		t.Fatal(err)
	}
	w.Write()
	w.most = 128
	if info, err := os.Stat(w.list()); err != nil || info.Size() <= mostList(w.most) {
		t.Fatalf("the list is short: %v, %v", info, err)
	}
	w.open()
	if err := w.Trouble(); err != nil || w.log.Len() != 0 || w.Tracks() != w.most {
		t.Errorf("%d tracks, %v: %s", w.Tracks(), err, w.log.String())
	}
	for _, key := range keys[:2] {
		w.compare(key, 14*time.Minute, time.Second)
		w.compare(key, 21*time.Minute, time.Minute)
	}
}
