package store

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"slices"
	"strings"

	"go.etcd.io/bbolt"
)

// In the file each value is followed by a checksum of its key and of itself, so
// that noise within a value is noticed, too. Buckets with checksums have a mark
// at the end of their names. Those without are of earlier versions: what they
// hold is moved when the store is opened, in several transactions, of which
// each leaves a whole store.
const (
	sealMark  = "#"
	sealSize  = 4      // bytes
	sealBatch = 20_000 // records that are moved in a transaction
	sealBytes = 32 << 20
)

var (
	castagnoli  = crc32.MakeTable(crc32.Castagnoli)
	errChecksum = errors.New("its checksum is wrong")
	// broken stands for a value whose checksum is wrong. It is no value of
	// ours.
	broken = []byte(errChecksum.Error())
)

// Broken returns what [Store] methods give for a value whose checksum is wrong.
// [Intact] knows it, and no decoder can read it.
func Broken() []byte { return bytes.Clone(broken) }

// Intact returns an error if the value stands for one whose checksum is wrong.
func Intact(value []byte) error {
	if bytes.Equal(value, broken) {
		return errChecksum
	}
	return nil
}

// Unmarshal reads the JSON of a value, if the value is intact.
func Unmarshal(value []byte, to any) error {
	if err := Intact(value); err != nil {
		return err
	}
	return json.Unmarshal(value, to)
}

// sealedName returns the name in the file of a bucket with checksums.
func sealedName(bucket Bucket) []byte { return []byte(string(bucket) + sealMark) }

// bucketOf returns the bucket that has a name in the file, and whether its
// values have checksums.
func bucketOf(name []byte) (bucket Bucket, sealed bool) {
	text, sealed := strings.CutSuffix(string(name), sealMark)
	return Bucket(text), sealed
}

func checksum(key, value []byte) uint32 {
	return crc32.Update(crc32.Checksum(key, castagnoli), castagnoli, value)
}

// seal returns the value with its checksum, in the memory of the value if there
// is room.
func seal(key, value []byte) []byte {
	return binary.BigEndian.AppendUint32(value, checksum(key, value))
}

// unseal returns the value without its checksum, and whether that is right.
func unseal(key, held []byte) (value []byte, whole bool) {
	n := len(held) - sealSize
	if n < 0 {
		return held, false
	}
	value = held[:n:n]
	return value, binary.BigEndian.Uint32(held[n:]) == checksum(key, value)
}

// reveal returns the value as methods of [Store] give it.
func reveal(key, held []byte) []byte {
	value, whole := unseal(key, held)
	if !whole {
		return broken
	}
	return value
}

// sealAll gives checksums to what has none yet.
func (b *Bolt) sealAll() error {
	total := 0
	for more := true; more; {
		n := 0
		err := guard(new(bool), func() error {
			return b.transact(func(tx *bbolt.Tx) (err error) {
				n, more, err = sealSome(tx)
				return err
			})
		})
		if err != nil {
			return Unwritable(fmt.Errorf("store: give records checksums: %w", err))
		}
		total += n
	}
	if total > 0 {
		b.log.Info("records of an earlier version have been given checksums", "records", total)
	}
	return nil
}

// sealSome moves records of the first bucket without checksums, and returns how
// many, and whether there may be more.
func sealSome(tx *bbolt.Tx) (n int, more bool, err error) {
	buckets := tx.Cursor()
	name, _ := buckets.First()
	for name != nil && bytes.HasSuffix(name, []byte(sealMark)) {
		name, _ = buckets.Next()
	}
	if name == nil {
		return 0, false, nil
	}
	name = bytes.Clone(name)
	from := tx.Bucket(name)
	to, err := tx.CreateBucketIfNotExists(sealedName(Bucket(name)))
	if err != nil {
		return 0, false, err
	}
	keys, size := [][]byte{}, 0
	c := from.Cursor()
	k, v := c.First()
	for ; k != nil && len(keys) < sealBatch && size < sealBytes; k, v = c.Next() {
		if err := to.Put(k, seal(k, slices.Clip(v))); err != nil {
			return 0, false, err
		}
		keys, size = append(keys, bytes.Clone(k)), size+len(v)
	}
	if k == nil {
		return len(keys), true, tx.DeleteBucket(name)
	}
	for _, k := range keys {
		if err := from.Delete(k); err != nil {
			return 0, false, err
		}
	}
	return len(keys), true, nil
}
