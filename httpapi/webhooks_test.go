package httpapi_test

import (
	"fmt"
	"strings"
	"testing"

	"conga/allocator/store"
)

func TestWebhooks(t *testing.T) {
	h := newHarness(t)
	made := h.want(201, "POST", "/api/v1/webhooks", `{"url":"https://example.org/hook"}`, bearer(h.key))
	one := made.Results[0]
	secret, _ := one["secret"].(string)
	at := made.header.Get("Location")
	if fmt.Sprint(one["events"]) != "[allocation.changed allocation.deleted allocation.degraded allocation.idle maintenance.planned maintenance.begun maintenance.ended]" || one["project_id"] != "projectB" || one["user_id"] != "abc123" ||
		!strings.HasPrefix(secret, "whsec_") || at != "/api/v1/webhooks/"+one["webhook_id"].(string) {
		t.Errorf("made %v at %s", one, at)
	}
	h.want(201, "POST", "/api/v1/webhooks", `{"url":"https://example.org/all"}`, bearer(h.admin))
	h.want(201, "POST", "/api/v1/webhooks", `{"url":"https://example.org/b","project_id":"project B","events":["allocation.deleted"]}`, bearer(h.admin))
	for key, n := range map[string]int{h.key: 1, h.foreign: 1, h.admin: 3} {
		list := h.want(200, "GET", "/api/v1/webhooks", "", bearer(key))
		if len(list.Results) != n || strings.Contains(list.body, "whsec_") || list.header.Get("Link") == "" {
			t.Errorf("%d webhooks, want %d: %s", len(list.Results), n, list.body)
		}
	}
	if n := len(h.want(200, "GET", "/api/v1/webhooks?project_id=projectB", "", bearer(h.admin)).Results); n != 1 {
		t.Errorf("%d webhooks of the project", n)
	}
	shown := h.want(200, "GET", at, "", bearer(h.key))
	if strings.Contains(shown.body, "whsec_") || shown.Results[0]["url"] != "https://example.org/hook" {
		t.Errorf("shown %s", shown.body)
	}
	h.want(200, "HEAD", at, "", bearer(h.key))
	h.want(200, "GET", at, "", bearer(h.admin))
	h.want(404, "GET", at, "", bearer(h.foreign))
	h.want(404, "DELETE", at, "", bearer(h.foreign))
	h.want(401, "DELETE", at, "")
	gone := h.want(200, "DELETE", at, "", bearer(h.key))
	if gone.Results[0]["webhook_id"] != one["webhook_id"] {
		t.Errorf("deleted %s", gone.body)
	}
	h.want(404, "DELETE", at, "", bearer(h.key))
	text := h.dump(store.Audit) + h.log.String()
	if !strings.Contains(text, "webhook.create") || !strings.Contains(text, "webhook.delete") || strings.Contains(text, "whsec_") || strings.Contains(text, "example.org") {
		t.Errorf("the logs have %s", text)
	}
}

func TestWebhooksRefused(t *testing.T) {
	h := newHarness(t)
	for _, c := range []struct {
		body string
		code int
		says string
	}{
		{`{}`, 422, "url: is required"},
		{`{"url":7}`, 400, "url: must be a string"},
		{`{"url":"http://example.org"}`, 422, "url: must begin with https://"},
		{`{"url":"https://10.0.0.1"}`, 422, "url: the address is not a public one"},
		{`{"url":"https://example.org","events":[]}`, 422, "events: must name"},
		{`{"url":"https://example.org","events":"allocation.changed"}`, 400, "events: must be an array"},
		{`{"url":"https://example.org","events":[7]}`, 400, "events[0]: must be a string"},
		{`{"url":"https://example.org","events":["allocation.changed","allocation.changed"]}`, 422, "events: must name"},
		{`{"url":"https://example.org","events":["topology.changed"]}`, 422, "events: must name"},
		{`{"url":"https://example.org","events":["x"]}`, 422, "events: must name"},
		{`{"url":"https://example.org","project_id":"project B"}`, 403, "project_id: the key is for another project"},
		{`{"url":"https://example.org","secret":"mine"}`, 422, "secret: is not a field"},
	} {
		a := h.want(c.code, "POST", "/api/webhooks", c.body, bearer(h.key))
		if !strings.Contains(strings.Join(a.Errors, "\n"), c.says) {
			t.Errorf("%s: errors are %q, want %q", c.body, a.Errors, c.says)
		}
	}
	h.want(422, "POST", "/api/webhooks", `{"url":"https://example.org","project_id":"projectB","events":["topology.changed"]}`, bearer(h.admin))
	h.want(422, "POST", "/api/webhooks", `{"url":"https://example.org","project_id":"projectB","events":["security.address_contested"]}`, bearer(h.admin))
	h.want(422, "POST", "/api/webhooks", `{"url":"https://example.org","project_id":"projectB","events":["security.probe_relayed"]}`, bearer(h.admin))
	h.want(422, "POST", "/api/webhooks", `{"url":"https://example.org","project_id":"nowhere"}`, bearer(h.admin))
	if n := h.disk.Len(store.Webhooks); n != 0 {
		t.Errorf("%d are stored", n)
	}
	for range 16 {
		h.want(201, "POST", "/api/webhooks", `{"url":"https://example.org"}`, bearer(h.key))
	}
	h.want(409, "POST", "/api/webhooks", `{"url":"https://example.org"}`, bearer(h.key))
}

// TestWebhookChanges goes through PATCH and PUT, and what they leave as it is.
func TestWebhookChanges(t *testing.T) {
	h := newHarness(t)
	made := h.want(201, "POST", "/api/webhooks", `{"url":"https://example.org/a"}`, bearer(h.key)).Results[0]
	at := "/api/webhooks/" + made["webhook_id"].(string)
	all, both := "[allocation.changed allocation.deleted allocation.degraded allocation.idle topology.changed security.address_contested security.switch_refused security.probe_relayed switch.limited maintenance.planned maintenance.begun maintenance.ended]", "[allocation.changed allocation.deleted allocation.degraded allocation.idle maintenance.planned maintenance.begun maintenance.ended]"
	for _, c := range []struct {
		method, body, url, events string
	}{
		{"PATCH", `{}`, "/a", both},
		{"PATCH", `{"url":"https://example.org/b"}`, "/b", both},
		{"PATCH", `{"events":["allocation.deleted"]}`, "/b", "[allocation.deleted]"},
		{"PATCH", `{"url":"https://example.org/c","project_id":"projectB"}`, "/c", "[allocation.deleted]"},
		{"PATCH", `{"events":null,"project_id":null}`, "/c", both},
		{"PUT", `{"url":"https://example.org/c","events":["allocation.changed"]}`, "/c", "[allocation.changed]"},
		{"PUT", `{"url":"https://example.org/c"}`, "/c", both},
		{"PUT", `{"url":"https://example.org/c"}`, "/c", both},
	} {
		got := h.want(200, c.method, at, c.body, bearer(h.key)).Results[0]
		if got["url"] != "https://example.org"+c.url || fmt.Sprint(got["events"]) != c.events || got["secret"] != nil || got["created"] != made["created"] {
			t.Errorf("%s %s made it %v", c.method, c.body, got)
		}
	}
	before := h.dump(store.Webhooks)
	for _, c := range []struct {
		code               int
		method, body, says string
	}{
		{422, "PATCH", `{"url":null}`, "url: cannot be null"},
		{422, "PATCH", `{"url":"http://example.org"}`, "url: must begin with https://"},
		{400, "PATCH", `{"events":"x"}`, "events: must be an array"},
		{422, "PATCH", `{"events":["topology.changed"]}`, "events: must name"},
		{422, "PATCH", `{"project_id":"project B"}`, "project_id: cannot be changed"},
		{422, "PATCH", `{"secret":"mine"}`, "secret: is not a field"},
		{422, "PUT", `{"events":["allocation.deleted"]}`, "url: is required"},
		{422, "PUT", `{"url":"https://[::1]/"}`, "url: the address is not a public one"},
	} {
		a := h.want(c.code, c.method, at, c.body, bearer(h.key))
		if !strings.Contains(strings.Join(a.Errors, "\n"), c.says) {
			t.Errorf("%s %s: errors are %q, want %q", c.method, c.body, a.Errors, c.says)
		}
	}
	for _, method := range []string{"PATCH", "PUT"} {
		h.want(404, method, at, `{"url":"https://example.org/mine"}`, bearer(h.foreign))
		h.want(401, method, at, `{"url":"https://example.org/mine"}`)
		h.want(404, method, "/api/webhooks/none", `{"url":"https://example.org/mine"}`, bearer(h.key))
	}
	h.want(405, "POST", at, `{"url":"https://example.org/d"}`, bearer(h.key))
	h.want(422, "PATCH", at, `{"events":["topology.changed"]}`, bearer(h.admin))
	if after := h.dump(store.Webhooks); after != before {
		t.Errorf("what was refused changed\n%s to\n%s", before, after)
	}
	done := 0
	for _, line := range h.trail("?actor=abc123") {
		if strings.HasPrefix(line, "webhook.update done 200 by abc123/projectB") {
			done++
		}
	}
	if done != 6 {
		t.Errorf("%d changes are recorded, want the 6 that were ones", done)
	}

	// The admin's are for one project, or for all and the topology.
	h.want(200, "PATCH", at, `{"events":null}`, bearer(h.admin))
	for body, events := range map[string]string{`"project_id":"projectB"`: both, `"project_id":null`: all} {
		one := h.want(201, "POST", "/api/webhooks", `{"url":"https://example.org/x",`+body+`}`, bearer(h.admin)).Results[0]
		again := h.want(200, "PUT", "/api/webhooks/"+one["webhook_id"].(string), `{"url":"https://example.org/y"}`, bearer(h.admin)).Results[0]
		if fmt.Sprint(one["events"]) != events || fmt.Sprint(again["events"]) != events {
			t.Errorf("%s: for %v, then for %v, want %s", body, one["events"], again["events"], events)
		}
	}
}

// TestWebhookURLsAreSecrets: an operator sees the host that events go to, but
// not the URL. A project and the admin see what they have set.
func TestWebhookURLsAreSecrets(t *testing.T) {
	h := newHarness(t)
	operator := h.want(201, "POST", "/api/operators", `{"name":"watcher"}`, bearer(h.admin)).Results[0]["api_key"].(string)
	suite.secret(operator)
	for target, want := range map[string]string{
		"https://chat.example.org/services/T0/hunter2?token=hunter2": "https://chat.example.org/...",
		"https://chat.example.org:8443?token=hunter2":                "https://chat.example.org:8443/...",
		"https://[2606:4700::1111]:8443/":                            "https://[2606:4700::1111]:8443/...",
		"https://chat.example.org":                                   "https://chat.example.org/...",
	} {
		at := h.want(201, "POST", "/api/webhooks", `{"url":"`+target+`"}`, bearer(h.key)).header.Get("Location")
		for key, want := range map[string]string{operator: want, h.key: target, h.admin: target} {
			one := h.want(200, "GET", at, "", bearer(key))
			list := h.want(200, "GET", "/api/webhooks", "", bearer(key))
			if one.Results[0]["url"] != want || list.Results[0]["url"] != want || key == operator && strings.Contains(one.body+list.body, "hunter2") {
				t.Errorf("%s is shown as %v and listed as %v, want %s", target, one.Results[0]["url"], list.Results[0]["url"], want)
			}
		}
		h.want(200, "DELETE", at, "", bearer(h.key))
	}
}

func TestProjects(t *testing.T) {
	h := newHarness(t)
	h.create(`,"bandwidth":1000`)
	h.settle()
	h.want(201, "POST", "/api/allocations", with("dst_ip", `"192.127.1.22"`)[:1]+`"start_time":1429300000,"bandwidth":5,`+with("dst_ip", `"192.127.1.22"`)[1:], bearer(h.key))
	own := h.want(200, "GET", "/api/v1/projects", "", bearer(h.key)).Results
	want := map[string]string{
		"project_id": "projectB", "members": "[abc123 xyz987]", "limits": "map[allocations:20 bandwidth:1e+09 duration:2.592e+06 horizon:<nil> pending:<nil>]",
		"use": "map[active:1 allocations:2 bandwidth:1000 pending:1]", "run_ahead": "86400",
	}
	if len(own) != 1 {
		t.Fatalf("%d projects", len(own))
	}
	for name, w := range want {
		if got := fmt.Sprint(own[0][name]); got != w {
			t.Errorf("%s is %s, want %s", name, got, w)
		}
	}
	all := h.want(200, "GET", "/api/v1/projects", "", bearer(h.admin)).Results
	if len(all) != 2 || fmt.Sprint(all[1]) != fmt.Sprint(own[0]) || fmt.Sprint(all[0]["limits"], all[0]["run_ahead"]) != "map[allocations:<nil> bandwidth:<nil> duration:<nil> horizon:<nil> pending:<nil>] <nil>" {
		t.Errorf("the operator sees %v", all)
	}
	one := h.want(200, "GET", "/api/v1/projects/projectB", "", bearer(h.key)).Results
	if fmt.Sprint(one) != fmt.Sprint(own) {
		t.Errorf("shown %v, listed %v", one, own)
	}
	h.want(200, "GET", "/api/v1/projects/project%20B", "", bearer(h.foreign))
	h.want(404, "GET", "/api/v1/projects/project%20B", "", bearer(h.key))
	h.want(404, "GET", "/api/v1/projects/nowhere", "", bearer(h.admin))
	h.want(422, "GET", "/api/v1/projects?project_id=projectB", "", bearer(h.key))
	h.want(401, "GET", "/api/v1/projects", "")
}
