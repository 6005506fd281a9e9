// SPDX-License-Identifier: MPL-2.0

package route

import (
	"cmp"
	"iter"
	"slices"
	"strings"
)

// list holds entries by display name, then id. It is immutable, and in pieces: a list with one entry more or less
// shares all pieces but one, since a table has forty lists and may have ten thousand destinations. No piece is empty.
type list [][]*entry

// maxPiece is how many entries a piece may have.
const maxPiece = 256

// newList takes entries that are sorted, and keeps the slice.
func newList(sorted []*entry) list {
	return slices.Collect(slices.Chunk(sorted, maxPiece/2))
}

// entries returns the entries in order.
func (l list) entries() iter.Seq[*entry] {
	return func(yield func(*entry) bool) {
		for _, piece := range l {
			for _, e := range piece {
				if !yield(e) {
					return
				}
			}
		}
	}
}

func (l list) len() int {
	n := 0
	for _, piece := range l {
		n += len(piece)
	}
	return n
}

// find returns where e is, or belongs: the piece, which is the last one for what comes after all, and the place in it.
func (l list) find(e *entry) (piece, at int) {
	piece, _ = slices.BinarySearchFunc(l, e, func(p []*entry, e *entry) int { return compareEntries(p[len(p)-1], e) })
	piece = min(piece, len(l)-1)
	at, _ = slices.BinarySearchFunc(l[piece], e, compareEntries)
	return piece, at
}

// with returns a list that has e as well.
func (l list) with(e *entry) list {
	if len(l) == 0 {
		return list{{e}}
	}
	i, at := l.find(e)
	piece := slices.Insert(slices.Clone(l[i]), at, e)
	if len(piece) <= maxPiece {
		return l.replaced(i, piece)
	}
	return l.replaced(i, piece[:len(piece)/2], piece[len(piece)/2:])
}

// without returns a list that does not have e, which is in this one.
func (l list) without(e *entry) list {
	i, at := l.find(e)
	if len(l[i]) == 1 {
		return l.replaced(i)
	}
	return l.replaced(i, slices.Delete(slices.Clone(l[i]), at, at+1))
}

// replaced returns a list with other pieces in the place of one.
func (l list) replaced(i int, by ...[]*entry) list {
	return slices.Concat(l[:i], by, l[i+1:])
}

// named returns the first entry with a display name, or nil.
func (l list) named(name string) *entry {
	if len(l) == 0 {
		return nil
	}
	i, at := l.find(&entry{Destination: Destination{DisplayName: name}}) // no id sorts before
	if at < len(l[i]) && l[i][at].DisplayName == name {
		return l[i][at]
	}
	return nil
}

func compareEntries(a, b *entry) int {
	return cmp.Or(strings.Compare(a.DisplayName, b.DisplayName), strings.Compare(a.ID, b.ID))
}
