package main

import (
	"cmp"
	"maps"
	"slices"

	"conga/httpapi/client"
)

// Keys to sort by.
const (
	byRate     = "rate"
	byUse      = "use"
	byPromised = "promised"
	byEnd      = "end"
	byID       = "id"
)

// A topSort compares two allocations such that what is to be seen first comes
// first.
type topSort func(a, b *carried) int

// topSorts are the orders, by their keys. What is not known comes last.
var topSorts = map[string]topSort{
	byRate: func(a, b *carried) int { return greatest(rateOf(a), rateOf(b)) },
	byUse: func(a, b *carried) int {
		return greatest(a.Forward.Utilisation, b.Forward.Utilisation)
	},
	byPromised: func(a, b *carried) int { return greatest(a.Bandwidth, b.Bandwidth) },
	byEnd:      func(a, b *carried) int { return -greatest(a.EndTime, b.EndTime) },
	byID:       func(a, b *carried) int { return 0 },
}

// topKeys returns the keys to sort by.
func topKeys() []string { return slices.Sorted(maps.Keys(topSorts)) }

// greatest compares two numbers, the greater before the smaller one and both
// before what is not known.
func greatest[N cmp.Ordered](a, b *N) int {
	switch {
	case a == nil || b == nil:
		return cmp.Compare(boolInt(b != nil), boolInt(a != nil))
	default:
		return cmp.Compare(*b, *a)
	}
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// rateOf returns what is delivered of an allocation both ways, in bit/s; nil if
// that is not known of either.
func rateOf(c *carried) *uint64 {
	forth, back := c.Forward.Delivered.Rate, c.Reverse.Delivered.Rate
	switch {
	case forth == nil:
		return back
	case back == nil:
		return forth
	}
	sum := *forth + *back
	return &sum
}

// sort sorts allocations by a key, and links by the share of them that is in
// use, or by ID.
func (l *load) sort(key string) {
	slices.SortFunc(l.Allocations, func(a, b carried) int {
		return cmp.Or(topSorts[key](&a, &b), cmp.Compare(a.ID, b.ID))
	})
	slices.SortFunc(l.Links, func(a, b client.LinkStats) int {
		order := 0
		switch key {
		case byRate:
			order = greatest(a.Rate, b.Rate)
		case byUse:
			order = greatest(a.Utilisation, b.Utilisation)
		case byPromised:
			order = greatest(a.Reserved, b.Reserved)
		}
		return cmp.Or(order, cmp.Compare(a.ID, b.ID))
	})
}

// allocationRows returns the allocations as a table, with its head.
func (l *load) allocationRows() [][]string {
	rows := [][]string{{"ID", "SOURCE", "DESTINATION", "PROMISED", "RATE", "USE", "BACK", "DROPPED", "END", "PROJECT"}}
	for i := range l.Allocations {
		c := &l.Allocations[i]
		rows = append(rows, []string{
			c.ID, endpoint(c.SrcIP, c.SrcPort), endpoint(c.DstIP, c.DstPort), rate(c.Bandwidth), zeroRate(c.Forward.Delivered.Rate),
			percent(c.Forward.Utilisation), zeroRate(c.Reverse.Delivered.Rate), zeroRate(c.Forward.Dropped.Rate), when(c.EndTime), c.ProjectID,
		})
	}
	return rows
}

// linkRows returns the links as a table, with its head.
func (l *load) linkRows() [][]string {
	rows := [][]string{{"LINK FROM", "TO", "CAPACITY", "RATE", "USE", "RESERVED", "OF CAPACITY"}}
	for i := range l.Links {
		one := &l.Links[i]
		rows = append(rows, []string{
			portOf(one.From), portOf(one.To), bits(one.Capacity), zeroRate(one.Rate), percent(one.Utilisation), zeroRate(one.Reserved), percent(one.Reservation),
		})
	}
	return rows
}
