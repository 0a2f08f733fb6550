//go:build !unix

package main

import (
	"os"
	"syscall"
)

// A job is a command. Here no terminal sends it signals.
type job struct{ control chan os.Signal }

func newJob(...any) *job                        { return &job{} }
func (j *job) attributes() *syscall.SysProcAttr { return nil }
func (j *job) started(int)                      {}
func (j *job) typed(os.Signal) bool             { return false }
func (j *job) handle(os.Signal)                 {}
func (j *job) end()                             {}
