// Package web serves the page at / to browsers. The page is written in
// TypeScript, in this folder; "make build" has Vite put it into dist, from where
// it is embedded. Without Node a short page says how to get the whole one.
package web
