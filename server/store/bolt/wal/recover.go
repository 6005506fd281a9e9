// SPDX-License-Identifier: MPL-2.0

package wal

import (
	"bufio"
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
// entry is good for as long as the call. gap says that frames are missing between after and the first one found: the
// files were damaged, since whatever is appended stays until it is applied.
func (l *Log) Recover(after uint64, visit func(number uint64, entry []byte) error) (gap bool, err error) {
	older, newer := &l.segments[0], &l.segments[1]
	if older.generation > newer.generation {
		older, newer = newer, older
	}
	until, err := newer.firstNumber()
	if err != nil {
		return false, err
	}
	last := after
	for _, s := range []*segment{older, newer} {
		if s == newer {
			until = 0
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

// firstNumber returns the number of a file's first frame, and 0 where it has none.
func (s *segment) firstNumber() (first uint64, err error) {
	err = s.walk(0, func(number uint64, _ []byte) error {
		first = number
		return errEnough
	})
	if errors.Is(err, errEnough) {
		err = nil
	}
	return first, err
}

var errEnough = errors.New("enough")

// walk calls visit with the good frames of a file's turn, those below a number if it is not 0.
func (s *segment) walk(until uint64, visit func(number uint64, entries []byte) error) error {
	if s.generation == 0 {
		return nil
	}
	left := s.length - int64(headerSize)
	r := bufio.NewReaderSize(io.NewSectionReader(s.file, int64(headerSize), left), 1<<16)
	for expected := uint64(0); ; expected++ {
		number, entries, err := readFrame(r, &left)
		if err != nil || entries == nil {
			return err
		}
		if expected == 0 {
			expected = number
		}
		if number != expected || until != 0 && number >= until {
			return nil
		}
		if err := visit(number, entries); err != nil {
			return err
		}
	}
}

// readFrame reads a frame; entries is nil where there is no good one.
func readFrame(r io.Reader, left *int64) (number uint64, entries []byte, err error) {
	header := make([]byte, frameHeader)
	if _, err := io.ReadFull(r, header); err != nil {
		return 0, nil, notEnd(err)
	}
	length := int64(binary.LittleEndian.Uint32(header[4:]))
	if *left -= frameHeader + length; *left < 0 {
		return 0, nil, nil
	}
	frame := append(header, make([]byte, length)...)
	if _, err := io.ReadFull(r, frame[frameHeader:]); err != nil {
		return 0, nil, notEnd(err)
	}
	number = binary.LittleEndian.Uint64(frame[8:])
	if number == 0 || binary.LittleEndian.Uint32(frame) != crc32.Checksum(frame[4:], castagnoli) {
		return 0, nil, nil
	}
	return number, frame[frameHeader:], nil
}

func notEnd(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
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
