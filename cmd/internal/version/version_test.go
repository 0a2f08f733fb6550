package version

import (
	"runtime/debug"
	"strings"
	"testing"
	"time"
)

func TestString(t *testing.T) {
	when := time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)
	for _, c := range []struct {
		build Build
		want  string
	}{
		{Build{Version: "devel"}, "devel go"},
		{Build{Version: "0.1.0"}, "0.1.0 go"},
		{Build{Version: "devel", Commit: "0123456789ab+dirty"}, "devel (0123456789ab+dirty) go"},
		{Build{Version: "0.1.0", Date: when}, "0.1.0 go"},
		{Build{Version: "0.1.0", Commit: "0123456789ab", Date: when}, "0.1.0 (0123456789ab of 2030-01-02) go"},
	} {
		if got := c.build.String(); !strings.HasPrefix(got, c.want) {
			t.Errorf("%+v is %q, want %q", c.build, got, c.want)
		}
	}
}

func TestNote(t *testing.T) {
	info := &debug.BuildInfo{Settings: []debug.BuildSetting{
		{Key: "vcs.revision", Value: "0123456789abcdef0123456789abcdef01234567"},
		{Key: "vcs.time", Value: "2030-01-02T03:04:05Z"},
		{Key: "vcs.modified", Value: "true"},
	}}
	info.Main.Version = "(devel)"
	var b Build
	b.note(info)
	if b.Version != "" || b.Commit != "0123456789ab+dirty" || b.Day() != "2030-01-02" {
		t.Errorf("noted %+v", b)
	}
	info.Main.Version = "v1.2.3"
	b.note(info)
	if b.Version != "1.2.3" {
		t.Errorf("version %q", b.Version)
	}
	b = Build{}
	b.note(&debug.BuildInfo{})
	if b != (Build{}) {
		t.Errorf("noted %+v of nothing", b)
	}
}
