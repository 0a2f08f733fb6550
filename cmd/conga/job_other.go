//go:build !unix

package main

import (
	"os"
	"syscall"
)

// job is a command; here no terminal sends it signals of its own.
type job struct{ control chan os.Signal }

func newJob(...any) *job                        { return &job{} }
func (j *job) attributes() *syscall.SysProcAttr { return nil }
func (j *job) started(int)                      {}
func (j *job) typed(os.Signal) bool             { return false }
func (j *job) handle(os.Signal)                 {}
func (j *job) end()                             {}
