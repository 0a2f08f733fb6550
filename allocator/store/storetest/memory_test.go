package storetest_test

import (
	"testing"

	"conga/allocator/store"
	"conga/allocator/store/storetest"
)

func TestMemoryConforms(t *testing.T) {
	disks := map[string]*storetest.Memory{}
	storetest.Run(t, func(_ *testing.T, dir string) store.Store {
		if disks[dir] == nil {
			disks[dir] = storetest.NewMemory()
		}
		disks[dir].Reopen()
		return disks[dir]
	})
}
