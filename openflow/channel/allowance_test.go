package channel

import (
	"bytes"
	"testing"
	"testing/synctest"
	"time"

	"conga/openflow"
)

// What a switch says without end is read at a steady rate after what may come
// at once; a switch that is asked for much is read without a pause.
func TestAllowance(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	for name, c := range map[string]struct {
		bytes, messages int // each time
		wait            time.Duration
	}{
		"a dump":             {bytesAtOnce, 0, 0},
		"a table removed":    {messagesAtOnce * 100, messagesAtOnce, 0},
		"parts without end":  {bytesAtOnce + bytesPerSecond, 0, time.Second},
		"errors without end": {0, messagesAtOnce + 2*messagesPerSecond, 2 * time.Second},
	} {
		var a allowance
		if got := a.spend(c.bytes, c.messages, now); got != c.wait {
			t.Errorf("%s: waits %v; want %v", name, got, c.wait)
		}
		if got := a.spend(1, 1, now.Add(c.wait+time.Second)); got != 0 {
			t.Errorf("%s: waits %v after as long", name, got)
		}
		if got := a.spend(bytesAtOnce, messagesAtOnce, now.Add(time.Hour)); got != 0 {
			t.Errorf("%s: waits %v after an hour", name, got)
		}
	}
}

// One that talks without end does not go faster than that, and is still
// answered.
func TestFloodWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, p := pipe(t, Config{})
		heard := 0
		c.Start(func(openflow.Header, openflow.Message) { heard++ })
		one, _ := openflow.Append(nil, 0, &openflow.PortStatus{})
		flood := bytes.Repeat(one, 1000)
		done := make(chan struct{})
		go func() {
			defer close(done)
			for {
				if _, err := p.nc.Write(flood); err != nil {
					return
				}
			}
		}()
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if most := messagesAtOnce + 11*messagesPerSecond; heard < messagesAtOnce+9*messagesPerSecond || heard > most {
			t.Errorf("%d messages were heard in 10 s; want about %d", heard, messagesAtOnce+10*messagesPerSecond)
		}
		if err := c.Err(); err != nil {
			t.Errorf("the connection ended: %v", err)
		}
		c.Close()
		<-done
	})
}
