// SPDX-License-Identifier: MPL-2.0

package wal

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math"
)

// ErrOtherStore marks a log that belongs to another store than the one it was opened for.
var ErrOtherStore = errors.New("it belongs to another store")

// readHeader reads which turn a file is at. A file without a good header holds nothing: the header is written together
// with the first frame.
func (s *segment) readHeader(id ID) error {
	s.length = fileSize(s.file)
	header := make([]byte, headerSize)
	if n, err := s.file.ReadAt(header, 0); n < headerSize {
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		return nil
	}
	sum := len(header) - 4
	if string(header[:len(magic)]) != magic || binary.LittleEndian.Uint32(header[sum:]) != crc32.Checksum(header[:sum], castagnoli) {
		return nil
	}
	if ID(header[len(magic):]) != id {
		return ErrOtherStore
	}
	s.generation = binary.LittleEndian.Uint64(header[len(magic)+len(id):])
	s.first = binary.LittleEndian.Uint64(header[len(magic)+len(id)+8:])
	return nil
}

// fileSize asks an os.File; what is no such file is small enough to be read through.
func fileSize(f File) int64 {
	if o, ok := f.(osFile); ok {
		if info, err := o.Stat(); err == nil {
			return info.Size()
		}
	}
	n, _ := io.Copy(io.Discard, io.NewSectionReader(f, 0, math.MaxInt64))
	return n
}

// Recover calls visit with the entries of the frames after a number, in order, and prepares for the next frame. The
// entry is good for as long as the call. What is visited must be applied, and synced there, before the next frame is
// appended. gap says that frames are missing before others that were found: the files were damaged, or the missing ones
// had not been synced when the power was lost.
func (l *Log) Recover(after uint64, visit func(number uint64, entry []byte) error) (gap bool, err error) {
	older, newer := &l.segments[0], &l.segments[1]
	if older.generation > newer.generation {
		older, newer = newer, older
	}
	last := after
	for _, s := range []*segment{older, newer} {
		until := newer.first // what failed there may have been written again in the other
		if s == newer {
			until = math.MaxUint64
		}
		if err := s.walk(until, func(number uint64, entries []byte) error {
			if number <= after {
				return nil
			}
			gap = gap || number != last+1
			last = number
			return visitEntries(number, entries, visit)
		}); err != nil {
			return gap, err
		}
	}
	l.next = max(last, after) + 1
	l.applied.Store(after)
	l.active = 0
	if &l.segments[1] == older {
		l.active = 1
	}
	*older = segment{file: older.file, length: older.length, generation: newer.generation + 1}
	newer.last, newer.size = last, newer.length
	return gap, nil
}

// walk calls visit with the good frames of a file's turn that are below a number. Where a frame is damaged
// it goes on with the next that is not: a frame torn by the end of the process has none after it.
func (s *segment) walk(until uint64, visit func(number uint64, entries []byte) error) error {
	if s.generation == 0 {
		return nil
	}
	at, expected := int64(headerSize), s.first
	for {
		number, entries, err := s.readFrame(at)
		if err == nil && (entries == nil || number != expected) {
			if at, err = s.find(at, expected); at == 0 || err != nil {
				return err
			}
			number, entries, err = s.readFrame(at)
		}
		if err != nil {
			return err
		}
		if number >= until {
			return nil
		}
		if err := visit(number, entries); err != nil {
			return err
		}
		at, expected = at+frameHeader+int64(len(entries)), number+1
	}
}

// readFrame reads the frame at an offset; entries is nil where there is no good one.
func (s *segment) readFrame(at int64) (number uint64, entries []byte, err error) {
	header := make([]byte, frameHeader)
	if n, err := s.file.ReadAt(header, at); n < frameHeader {
		return 0, nil, notEnd(err)
	}
	length := int64(binary.LittleEndian.Uint32(header[4:]))
	if at+frameHeader+length > s.length {
		return 0, nil, nil
	}
	frame := make([]byte, frameHeader+length)
	copy(frame, header)
	if n, err := s.file.ReadAt(frame[frameHeader:], at+frameHeader); n < int(length) {
		return 0, nil, notEnd(err)
	}
	number = binary.LittleEndian.Uint64(frame[8:])
	if number == 0 || binary.LittleEndian.Uint32(frame) != crc32.Checksum(frame[4:], castagnoli) {
		return 0, nil, nil
	}
	return number, frame[frameHeader:], nil
}

// farthest is by how much the number of a frame behind a damaged one may be larger.
const farthest = 1 << 24

// find returns where behind an offset the next good frame is that is not from an earlier turn, whose number is at least
// the expected one; 0 is nowhere. Alerts cannot hold what looks like one: JSON has no zero bytes.
func (s *segment) find(after int64, expected uint64) (at int64, err error) {
	const window = 1 << 20
	chunk := make([]byte, window+frameHeader)
	for from := after + 1; from+frameHeader <= s.length; from += window {
		n, err := s.file.ReadAt(chunk, from)
		if err := notEnd(err); err != nil {
			return 0, err
		}
		for i := 0; i < window && i+frameHeader <= n; i++ {
			number := binary.LittleEndian.Uint64(chunk[i+8:])
			if number < expected || number-expected > farthest {
				continue
			}
			if _, entries, err := s.readFrame(from + int64(i)); entries != nil || err != nil {
				return from + int64(i), err
			}
		}
	}
	return 0, nil
}

func notEnd(err error) error {
	if err == nil || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return nil
	}
	return fmt.Errorf("read the log: %w", err)
}

func visitEntries(number uint64, entries []byte, visit func(number uint64, entry []byte) error) error {
	for len(entries) > 0 {
		if len(entries) < entryHeader {
			return fmt.Errorf("frame %d of the log ends within an entry", number)
		}
		length := binary.LittleEndian.Uint32(entries)
		if entries = entries[entryHeader:]; uint64(length) > uint64(len(entries)) {
			return fmt.Errorf("frame %d of the log ends within an entry", number)
		}
		if err := visit(number, entries[:length:length]); err != nil {
			return err
		}
		entries = entries[length:]
	}
	return nil
}
