package main

import "testing"

func TestFindContext(t *testing.T) {
	kept := credentials{Current: "b", Contexts: map[string]login{
		"a": {Server: "https://one", ProjectID: "A", EndTime: 3},
		"b": {Server: "https://one", ProjectID: "B", EndTime: 1},
		"c": {Server: "https://two", ProjectID: "A", EndTime: 1},
		"d": {Server: "https://two", ProjectID: "C", EndTime: 2},
	}}
	for _, test := range []struct {
		meant choice
		want  string
	}{
		{choice{}, "b"},
		{choice{project: "A"}, "a"}, // at the current context's server
		{choice{project: "C"}, "b"}, // which the server refuses
		{choice{server: "https://one"}, "b"},
		{choice{server: "https://two"}, "d"}, // none is current: the newest
		{choice{server: "https://two", project: "A"}, "c"},
		{choice{server: "https://three"}, ""},
		{choice{context: "c", project: "C"}, "c"},
		{choice{context: "c", server: "https://two"}, "c"},
	} {
		if name, _, err := kept.find(test.meant); err != nil || name != test.want {
			t.Errorf("%+v: %q, %v; want %q", test.meant, name, err, test.want)
		}
	}
	for _, meant := range []choice{{context: "e"}, {context: "c", server: "https://one"}} {
		if name, _, err := kept.find(meant); err == nil {
			t.Errorf("%+v: %q", meant, name)
		}
	}
	kept.Current = ""
	if name, _, err := kept.find(choice{project: "A"}); err == nil {
		t.Errorf("without a server: %q", name)
	}
}

func TestContextName(t *testing.T) {
	for server, want := range map[string]string{
		"https://conga.example": "p@conga.example", "https://conga.example:443": "p@conga.example",
		"https://[2001:db8::1]:8443/": "p@[2001:db8::1]:8443", "http://127.0.0.1:8080": "p@127.0.0.1:8080",
	} {
		if got := contextName(login{Server: server, ProjectID: "p"}); got != want {
			t.Errorf("%s: %s, want %s", server, got, want)
		}
	}
}
