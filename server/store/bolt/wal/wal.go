// SPDX-License-Identifier: MPL-2.0

// Package wal is a write-ahead log in two files that take turns: what must not be forgotten is appended and synced
// there, in one write for everybody who waits, and gets to its place in the store later.
//
//	wal.go         Log: appending frames, and which of the two files they go to
//	recover.go     reading the frames back
//	sync_*.go      how a file is synced
//
// A file begins with a header, and frames follow. All numbers are little-endian.
//
//	header   "ARWAL\x00\x00\x01" ‖ id of the store, 16 bytes ‖ generation, 8 ‖ number of the first frame, 8 ‖ CRC-32C of these, 4
//	frame    CRC-32C of what follows, 4 ‖ length of the entries, 4 ‖ number of the frame, 8 ‖ entries
//	entry    length, 4 ‖ bytes
//
// Frames are numbered without a gap. The file whose turn it is gets the next generation in its header; its old contents
// are overwritten in place, so that a sync has no change of the file's size to bring to disk. Where the good frames end
// follows from the numbers and the sums: what is left of an earlier turn has smaller numbers.
//
// A frame whose write or sync failed is written over by the next. When no other follows it may be read back all the
// same, as may a frame that was not synced.
package wal

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"sync/atomic"
)

const (
	magic       = "ARWAL\x00\x00\x01"
	headerSize  = len(magic) + len(ID{}) + 8 + 8 + 4
	frameHeader = 4 + 4 + 8
	entryHeader = 4

	// DefaultSegmentSize is after how many bytes the other file takes its turn.
	DefaultSegmentSize = 4 << 20

	// keepSize is how large a file may be when its turn comes; a larger one is cut off.
	keepSize = 16 << 20

	// keepBuffer is how large a frame's memory may be and be used again.
	keepBuffer = 1 << 20
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// ID names the store that a log belongs to.
type ID [16]byte

// File is what the log needs of a file: an [os.File], but for tests.
type File interface {
	ReadAt(p []byte, off int64) (int, error)
	WriteAt(p []byte, off int64) (int, error)
	Truncate(size int64) error
	Sync() error
	Close() error
}

// Options are a log's settings; zero members take defaults.
type Options struct {
	SegmentSize int64
	Open        func(path string) (File, error) // makes the file if there is none
}

// Log is a write-ahead log. Its methods are for one caller at a time, except [Log.Applied].
type Log struct {
	id       ID
	paths    [2]string
	segments [2]segment
	active   int
	limit    int64
	next     uint64 // number of the next frame
	dirty    bool   // the active file has frames that are not synced
	applied  atomic.Uint64
	frame    []byte
}

// segment is one file and its turn.
type segment struct {
	file       File
	generation uint64
	size       int64  // where the next frame goes; 0 before the turn's first
	length     int64  // of the file
	first      uint64 // number of the first frame
	last       uint64 // of the last; 0 when there is none
}

// Paths returns the files of the log at path.
func Paths(path string) [2]string { return [2]string{path + ".0", path + ".1"} }

// Open opens the log at path, which it makes if there is none. Read what it holds with [Log.Recover] before anything
// is appended. A log of another store is refused.
func Open(path string, id ID, o Options) (*Log, error) {
	if o.SegmentSize == 0 {
		o.SegmentSize = DefaultSegmentSize
	}
	if o.Open == nil {
		o.Open = openFile
	}
	l := &Log{id: id, paths: Paths(path), limit: o.SegmentSize}
	for i, p := range l.paths {
		file, err := o.Open(p)
		if err == nil {
			l.segments[i].file = file
			err = l.segments[i].readHeader(id)
		}
		if err != nil {
			return nil, errors.Join(fmt.Errorf("open the log %s: %w", p, err), l.Close())
		}
	}
	return l, nil
}

type osFile struct{ *os.File }

func (f osFile) Sync() error { return syncData(f.File) }

func openFile(path string) (File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	return osFile{f}, err
}

// Begin begins the next frame, dropping one that was not appended.
func (l *Log) Begin() {
	if cap(l.frame) > keepBuffer {
		l.frame = nil
	}
	l.frame = append(l.frame[:0], make([]byte, headerSize+frameHeader)...)
}

// Add adds an entry to the frame: the parts, one after the other, which it does not keep.
func (l *Log) Add(parts ...[]byte) {
	length := 0
	for _, p := range parts {
		length += len(p)
	}
	l.frame = binary.LittleEndian.AppendUint32(l.frame, uint32(length))
	for _, p := range parts {
		l.frame = append(l.frame, p...)
	}
}

// Size is how many bytes the frame has so far.
func (l *Log) Size() int { return len(l.frame) }

// Append writes the frame, and syncs the file if it is told to, with all before it. It returns the frame's number.
// After an error the frame counts as not written.
func (l *Log) Append(sync bool) (uint64, error) {
	if err := l.takeTurns(); err != nil {
		return 0, err
	}
	s := &l.segments[l.active]
	data := l.seal(s)
	if n, err := s.file.WriteAt(data, s.size); err != nil {
		s.length = max(s.length, s.size+int64(n))
		return 0, fmt.Errorf("write the log: %w", err)
	}
	end := s.size + int64(len(data))
	s.length = max(s.length, end)
	if sync {
		if err := s.file.Sync(); err != nil {
			return 0, fmt.Errorf("sync the log: %w", err)
		}
	}
	l.dirty = !sync
	number := l.next
	s.size, s.last = end, number
	l.next++
	return number, nil
}

// seal completes the frame, and the header before it where it is the first of the file's turn, and returns what is to
// be written.
func (l *Log) seal(s *segment) []byte {
	frame := l.frame[headerSize:]
	binary.LittleEndian.PutUint32(frame[4:], uint32(len(frame)-frameHeader))
	binary.LittleEndian.PutUint64(frame[8:], l.next)
	binary.LittleEndian.PutUint32(frame, crc32.Checksum(frame[4:], castagnoli))
	if s.size > 0 {
		return frame
	}
	header := l.frame[:0]
	header = append(header, magic...)
	header = append(header, l.id[:]...)
	header = binary.LittleEndian.AppendUint64(header, s.generation)
	header = binary.LittleEndian.AppendUint64(header, l.next)
	binary.LittleEndian.AppendUint32(header, crc32.Checksum(header, castagnoli))
	return l.frame
}

// takeTurns makes the other file the active one when this one is full and all that the other holds is applied.
func (l *Log) takeTurns() error {
	old, other := &l.segments[l.active], &l.segments[1-l.active]
	if old.size < l.limit || other.last > l.applied.Load() {
		return nil
	}
	if l.dirty {
		// What is synced in the other file must not be there without what came before it.
		if err := old.file.Sync(); err != nil {
			return fmt.Errorf("sync the log: %w", err)
		}
		l.dirty = false
	}
	if other.length > keepSize {
		if err := other.file.Truncate(0); err != nil {
			return fmt.Errorf("cut off the log: %w", err)
		}
		other.length = 0
	}
	other.generation, other.size, other.last = old.generation+1, 0, 0
	l.active = 1 - l.active
	return nil
}

// Applied says that the frames up to a number have got to their place and are synced there. It is safe for concurrent
// use with the other methods.
func (l *Log) Applied(number uint64) { l.applied.Store(number) }

// Close closes the files.
func (l *Log) Close() error {
	var errs []error
	for i := range l.segments {
		if f := l.segments[i].file; f != nil {
			errs = append(errs, f.Close())
			l.segments[i].file = nil
		}
	}
	return errors.Join(errs...)
}

// Remove closes and removes the files: all that they hold is applied.
func (l *Log) Remove() error {
	err := l.Close()
	for _, p := range l.paths {
		if e := os.Remove(p); e != nil && !errors.Is(e, os.ErrNotExist) {
			err = errors.Join(err, e)
		}
	}
	return err
}
