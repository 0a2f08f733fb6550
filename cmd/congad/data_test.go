package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestReloadWithOtherData: another data directory at SIGHUP neither prevents
// what can be applied nor moves the certificate.
func TestReloadWithOtherData(t *testing.T) {
	dir := t.TempDir()
	file, data := filepath.Join(dir, "conga.yaml"), filepath.Join(dir, "data")
	text := fmt.Sprintf(testConfig, data, "127.0.0.1:0")
	writeConfig(t, file, text)
	p := start(t, file)
	elsewhere := filepath.Join(dir, "elsewhere")
	text = strings.Replace(text, "data: "+data, "data: "+elsewhere, 1)
	writeConfig(t, file, strings.Replace(text, "level: debug", "level: info", 1))
	p.Signal(syscall.SIGHUP)
	if applied := fmt.Sprint(p.until("configuration read again")["applied"]); applied != "[log.level]" {
		t.Errorf("applied %s", applied)
	}
	if later := fmt.Sprint(p.until("some of the configuration takes effect at the next start")["keys"]); later != "[data]" {
		t.Errorf("left for the next start: %s", later)
	}
	if _, err := os.Stat(elsewhere); err == nil {
		t.Error("something was made in the other directory")
	}
}

// TestWhereTheDataIs: the log names the data directory, whatever the working
// directory.
func TestWhereTheDataIs(t *testing.T) {
	dir := t.TempDir()
	writeConfig(t, filepath.Join(dir, "conga.yaml"), fmt.Sprintf(testConfig, "./data", "127.0.0.1:0"))
	cmd := exec.Command("congad", "--config", "conga.yaml")
	cmd.Dir = dir
	p := startCommand(t, cmd)
	where, err := filepath.EvalSymlinks(dir)
	if err != nil {
		t.Fatal(err)
	}
	line := p.until("data directory")
	for key, want := range map[string]string{"dir": "data", "admin_key": "data/admin.key"} {
		got, err := filepath.EvalSymlinks(fmt.Sprint(line[key]))
		if err != nil || !filepath.IsAbs(fmt.Sprint(line[key])) || got != filepath.Join(where, want) {
			t.Errorf("%s is %v: %v", key, line[key], err)
		}
	}
}
