// Package browser drives the page that congad serves in a headless Chromium,
// as a user and an operator do. It has tests only.
package browser
