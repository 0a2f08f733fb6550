package main

import "fmt"

// The environment of an instrumented test binary.
const (
	envActive = "MUTATE_ACTIVE" // number of the mutant that is switched on
	envReach  = "MUTATE_REACH"  // file to which the numbers of mutants are written that are reached
)

// runtimeFile is added to an instrumented package.
const runtimeFile = `package %s

import (
	mutateOS "os"
	mutateStrconv "strconv"
	mutateAtomic "sync/atomic"
)

var (
	mutateActive, _ = mutateStrconv.Atoi(mutateOS.Getenv(%q))
	mutateReach     = mutateRecord()
	mutateReached   [%d]mutateAtomic.Bool
)

func mutateRecord() *mutateOS.File {
	if name := mutateOS.Getenv(%q); name != "" {
		f, err := mutateOS.OpenFile(name, mutateOS.O_WRONLY|mutateOS.O_APPEND|mutateOS.O_CREATE, 0o600)
		if err != nil {
			panic(err)
		}
		return f
	}
	return nil
}

func mutateOn(id int) bool {
	if mutateReach != nil {
		mutateNote(id)
	}
	return id == mutateActive
}

func mutateNone(from, to int) bool { return mutateActive < from || mutateActive > to }

func mutateNote(id int) {
	if !mutateReached[id].Swap(true) {
		mutateReach.WriteString(mutateStrconv.Itoa(id) + "\n")
	}
}

type mutateInteger interface {
	~int | ~int8 | ~int16 | ~int32 | ~int64 | ~uint | ~uint8 | ~uint16 | ~uint32 | ~uint64 | ~uintptr
}

type mutateNumber interface {
	mutateInteger | ~float32 | ~float64
}

func mutateUp[T mutateNumber](id int, v T) T {
	if mutateOn(id) {
		return v + 1
	}
	return v
}

func mutateDown[T mutateNumber](id int, v T) T {
	if mutateOn(id) {
		return v - 1
	}
	return v
}

func mutateAdd[T mutateNumber](id int, a, b T) T {
	if mutateOn(id) {
		return a - b
	}
	return a + b
}

func mutateSub[T mutateNumber](id int, a, b T) T {
	if mutateOn(id) {
		return a + b
	}
	return a - b
}

func mutateMul[T mutateNumber](id int, a, b T) T {
	if mutateOn(id) {
		return a / b
	}
	return a * b
}

func mutateDiv[T mutateNumber](id int, a, b T) T {
	if mutateOn(id) {
		return a * b
	}
	return a / b
}

func mutateRem[T mutateInteger](id int, a, b T) T {
	if mutateOn(id) {
		return a * b
	}
	return a %% b
}

func mutateAnd[T mutateInteger](id int, a, b T) T {
	if mutateOn(id) {
		return a | b
	}
	return a & b
}

func mutateOr[T mutateInteger](id int, a, b T) T {
	if mutateOn(id) {
		return a & b
	}
	return a | b
}

func mutateXor[T mutateInteger](id int, a, b T) T {
	if mutateOn(id) {
		return a | b
	}
	return a ^ b
}

func mutateAndNot[T mutateInteger](id int, a, b T) T {
	if mutateOn(id) {
		return a & b
	}
	return a &^ b
}

func mutateShl[T, U mutateInteger](id int, a T, b U) T {
	if mutateOn(id) {
		return a >> b
	}
	return a << b
}

func mutateShr[T, U mutateInteger](id int, a T, b U) T {
	if mutateOn(id) {
		return a << b
	}
	return a >> b
}
`

// runtimeText returns the file that is added to a package with so many mutants.
func runtimeText(pkg string, mutants int) string {
	return fmt.Sprintf(runtimeFile, pkg, envActive, mutants+2, envReach)
}
