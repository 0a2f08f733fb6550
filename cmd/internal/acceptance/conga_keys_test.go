package acceptance

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

const (
	ownerExample = `{"user_id":"abc123","project_id":"projectB"}`
	issued       = `{"status":0,"results":[{"api_key":"$key","start_time":"$start:integer","end_time":"$end:integer","user_id":"abc123","project_id":"projectB"}],"errors":[]}`
	spaced       = `{"status":0,"results":[{"api_key":"$key","start_time":"$start:integer","end_time":"$end:integer","user_id":"abc123","project_id":"project B"}],"errors":[]}`
	keyGone      = `{"status":0,"results":[{"api_key":"$key"}],"errors":[]}`
)

// ownerArgument checks user_id or project_id of a request about a key.
func ownerArgument(name, method string, target func(key string) string, mismatch int) func(*testing.T, *world) {
	return func(t *testing.T, w *world) {
		u := w.keyless(t)
		path := target(u.newKey("abc123", "projectB"))
		owner := func() map[string]any { return map[string]any{"user_id": "abc123", "project_id": "projectB"} }
		u.refused(422, name+": is required", method, path, with(owner(), name, absent))
		u.refused(422, name+": is required", method, path, with(owner(), name, nil))
		for _, v := range noText {
			u.refused(400, name+": ", method, path, with(owner(), name, v))
		}
		u.refused(422, name+": ", method, path, with(owner(), name, ""))
		u.want(mismatch, method, path, with(owner(), name, "somebody else"))
		u.want(200, method, path, with(owner(), name, owner()[name]))
	}
}

func atKey(key string) string { return "/api/auth/" + key }

// attribute checks a member of a key, in every answer that shows one.
func attribute(name, kind string, right func(key, start, end, now any) bool) func(*testing.T, *world) {
	return func(t *testing.T, w *world) {
		u := w.keyless(t)
		now := float64(time.Now().Unix())
		made := u.want(200, "POST", "/api/auth", ownerExample)
		key := made.text("api_key")
		for _, got := range []*answer{made, u.want(200, "GET", atKey(key), ""), u.want(200, "POST", atKey(key), ownerExample)} {
			one := got.Results[0]
			if typeOf(one[name]) != kind || !right(one[name], one["start_time"], one["end_time"], now) {
				t.Errorf("%s is %v in %v", name, one[name], one["user_id"])
			}
		}
	}
}

var congaKeys = checks{
	"conga: Authentication: api_key (string)": attribute("api_key", "string", func(key, _, _, _ any) bool {
		return strings.HasPrefix(key.(string), "conga_") && len(key.(string)) == 49
	}),
	// The table says string, every example shows an integer; so do we.
	"conga: Authentication: start_time (string)": attribute("start_time", "integer", func(_, start, _, now any) bool {
		return start.(float64) >= now.(float64) && start.(float64) < now.(float64)+60
	}),
	"conga: Authentication: end_time (integer)": attribute("end_time", "integer", func(_, start, end, _ any) bool {
		d := end.(float64) - start.(float64)
		return d >= 86400 && d < 86400+60 // a renewed one has a later end
	}),
	"conga: Authentication: user_id (string)":    attribute("user_id", "string", func(user, _, _, _ any) bool { return user == "abc123" }),
	"conga: Authentication: project_id (string)": attribute("project_id", "string", func(project, _, _, _ any) bool { return project == "projectB" }),

	"conga: Request API key: user_id (required)":    ownerArgument("user_id", "POST", func(string) string { return "/api/auth" }, 401),
	"conga: Request API key: project_id (required)": ownerArgument("project_id", "POST", func(string) string { return "/api/auth" }, 403),
	"conga: Request API key: Request Example": func(t *testing.T, w *world) {
		play(t, w, "abc123", "projectB", func(t *testing.T, u *asker, base, _ string) {
			u.want(200, "POST", base+"/auth", ownerExample)
		})
	},
	"conga: Request API key: Response Example": func(t *testing.T, w *world) {
		play(t, w, "abc123", "projectB", func(t *testing.T, u *asker, base, _ string) {
			v := values{}
			like(t, issued, u.want(200, "POST", base+"/auth", ownerExample).body, v)
			if v.number(t, "$end")-v.number(t, "$start") != 1429298915-1429212515 {
				t.Errorf("the key lives from %v to %v", v["$start"], v["$end"])
			}
			u.want(200, "GET", base+"/allocations", fill(listExample, v["$key"].(string)))
		})
	},
	"conga: Retrieve API key status: Request Example": func(t *testing.T, w *world) {
		play(t, w, "abc123", "project B", func(t *testing.T, u *asker, base, key string) {
			u.want(200, "GET", base+"/auth/"+key, "", "Content-Type", "application/json")
		})
	},
	"conga: Retrieve API key status: Response Example": func(t *testing.T, w *world) {
		play(t, w, "abc123", "project B", func(t *testing.T, u *asker, base, key string) {
			like(t, spaced, u.want(200, "GET", base+"/auth/"+key, "").body, values{"$key": key})
		})
	},
	"conga: Renew API key: user_id (required)":    ownerArgument("user_id", "POST", atKey, 403),
	"conga: Renew API key: project_id (required)": ownerArgument("project_id", "POST", atKey, 403),
	"conga: Renew API key: Request Example": func(t *testing.T, w *world) {
		play(t, w, "abc123", "projectB", func(t *testing.T, u *asker, base, key string) {
			u.want(200, "POST", base+"/auth/"+key, ownerExample)
		})
	},
	"conga: Renew API key: Response Example": func(t *testing.T, w *world) {
		play(t, w, "abc123", "project B", func(t *testing.T, u *asker, base, key string) {
			v := values{"$key": key}
			before := u.want(200, "GET", base+"/auth/"+key, "").Results[0]
			like(t, spaced, u.want(200, "POST", base+"/auth/"+key, strings.Replace(ownerExample, "projectB", "project B", 1)).body, v)
			if v["$start"] != before["start_time"] || v["$end"].(float64) < before["end_time"].(float64) {
				t.Errorf("%v, renewed, is %v to %v", before["end_time"], v["$start"], v["$end"])
			}
		})
	},
	"conga: Renew API key: what no longer exists cannot be renewed": func(t *testing.T, w *world) {
		u := w.keyless(t)
		key := u.newKey("abc123", "projectB")
		u.want(200, "DELETE", atKey(key), ownerExample)
		u.refused(404, "api_key: ", "POST", atKey(key), ownerExample)
		u.refused(404, "api_key: ", "GET", atKey(key), "")
		u.refused(404, "api_key: ", "DELETE", atKey(key), ownerExample)
		u.refused(401, "api_key: ", "GET", "/api/allocations", fmt.Sprintf(`{"api_key":%q}`, key))
		if again := u.newKey("abc123", "projectB"); again == key {
			t.Error("a deleted key is given again")
		}
	},
	"conga: Delete API key: user_id (required)":    ownerArgument("user_id", "DELETE", atKey, 403),
	"conga: Delete API key: project_id (required)": ownerArgument("project_id", "DELETE", atKey, 403),
	"conga: Delete API key: Request Example": func(t *testing.T, w *world) {
		play(t, w, "abc123", "projectB", func(t *testing.T, u *asker, base, key string) {
			u.want(200, "DELETE", base+"/auth/"+key, ownerExample)
		})
	},
	"conga: Delete API key: Response Example": func(t *testing.T, w *world) {
		play(t, w, "abc123", "projectB", func(t *testing.T, u *asker, base, key string) {
			like(t, keyGone, u.want(200, "DELETE", base+"/auth/"+key, ownerExample).body, values{"$key": key})
		})
	},
}
