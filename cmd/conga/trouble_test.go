package main

import (
	"context"
	"fmt"
	"testing"
	"time"

	"conga/httpapi/client"
)

// TestTimesThatAreUp: a request that takes too long is a plain failure; only an
// allocation that is not active in time has the exit code for that.
func TestTimesThatAreUp(t *testing.T) {
	if code := exitCode(fmt.Errorf("show: server: %w", context.DeadlineExceeded)); code != exitFailure {
		t.Errorf("an attempt: exit code %d", code)
	}
	if code := exitCode(fmt.Errorf("wait: %w", errTimeUp)); code != exitTimeout {
		t.Errorf("the allocation: exit code %d", code)
	}
}

func TestFromStart(t *testing.T) {
	now := time.Unix(1_000_000, 0)
	for _, test := range []struct {
		timeout time.Duration
		request client.Request
		want    time.Duration
	}{
		{time.Minute, client.Request{}, time.Minute}, {time.Minute, client.Request{StartTime: 1_003_600}, time.Hour + time.Minute},
		{time.Minute, client.Request{StartTime: 999_000}, time.Minute}, {0, client.Request{StartTime: 1_003_600}, 0},
		{time.Minute, client.Request{StartIn: new(int64(3600))}, time.Hour + time.Minute}, {0, client.Request{StartIn: new(int64(9))}, 0},
	} {
		if got := fromStart(test.timeout, test.request, now); got != test.want {
			t.Errorf("%v, %+v: got %v", test.timeout, test.request, got)
		}
	}
}

// TestTrustOfFlags: the command line overrides what login saved.
func TestTrustOfFlags(t *testing.T) {
	t.Setenv("CONGA_FINGERPRINT", "")
	for _, test := range []struct {
		caFile, fingerprint string
		want                login
	}{
		{"", "", login{Fingerprint: "AA", CAFile: "old.pem"}}, {"new.pem", "", login{CAFile: "new.pem"}},
		{"", "BB", login{Fingerprint: "BB"}}, {"new.pem", "BB", login{Fingerprint: "BB", CAFile: "new.pem"}},
	} {
		a := &app{server: "https://conga.example", caFile: test.caFile, fingerprint: test.fingerprint}
		const server = "https://conga.example"
		test.want.Server = server
		_, got, err := a.choose(credentials{Contexts: map[string]login{"x": {Server: server, Fingerprint: "AA", CAFile: "old.pem"}}}, a.choice(""))
		if err != nil || got != test.want {
			t.Errorf("%+v: got %+v, %v", test, got, err)
		}
	}
}
