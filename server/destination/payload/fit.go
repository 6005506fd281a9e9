// SPDX-License-Identifier: MPL-2.0

package payload

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/render"
)

// cut is what the payload says of a member that is not whole. Both are bytes of its value as JSON.
type cut struct {
	field             string
	original, omitted int
}

func appendCuts(w []byte, cuts []cut) []byte {
	if len(cuts) == 0 {
		return append(w, "null"...)
	}
	w = append(w, `{"fields":[`...)
	for i, c := range cuts {
		if i > 0 {
			w = append(w, ',')
		}
		w = c.append(w)
	}
	return append(w, "]}"...)
}

func (c cut) append(w []byte) []byte {
	w = append(append(w, `{"field":"`...), c.field...)
	w = strconv.AppendInt(append(w, `","originalBytes":`...), int64(c.original), 10)
	w = strconv.AppendInt(append(w, `,"omittedBytes":`...), int64(c.omitted), 10)
	return append(w, '}')
}

// fitter brings a document under a limit.
type fitter struct {
	document
	ruler
	unmarked bool // nothing in the document says what was cut
}

// fit cuts what must be cut.
func (f *fitter) fit(limit int) {
	members := f.measure()
	room := limit - f.frame()
	for _, m := range members {
		room -= m.size
	}
	if f.fitsContext(room) {
		return
	}
	room -= f.size.Of(`{"fields":[]}`) - f.size.Of("null")
	if left := room - f.mark(contextName, len(f.context)); left >= f.size.Of("{}") {
		f.cutContext(left)
		return
	}
	room -= f.size.Of("{}")
	if len(f.context) > len("{}") {
		room -= f.mark(contextName, len(f.context))
		f.dropContext()
	}
	if room < 0 {
		f.cutLongest(members, room)
	}
}

// dropContext leaves out the context, unless something is cut already.
func (f *fitter) dropContext() {
	if len(f.cuts) > 0 || len(f.context) <= len("{}") {
		return
	}
	f.cuts = append(f.cuts, cut{contextName, len(f.context), len(f.context)})
	f.context = nil
}

// ruler measures texts as they stand in JSON.
type ruler struct {
	size   render.Size
	inside render.Size // of what stands between quotes
}

func rulerOf(size render.Size) ruler { return ruler{size: size, inside: quoted(size)} }

// quoted returns what a character counts once it stands in a JSON text.
func quoted(size render.Size) render.Size {
	escape := size('\\')
	return func(r rune) int {
		switch {
		case r == '"', r == '\\':
			return escape + size(r)
		case r >= ' ':
			return size(r)
		}
		if i := strings.IndexByte("\b\f\n\r\t", byte(r)); i >= 0 {
			return escape + size(rune("bfnrt"[i]))
		}
		const hex = "0123456789abcdef"
		return escape + size('u') + 2*size('0') + size(rune(hex[r>>4])) + size(rune(hex[r&15]))
	}
}

// text returns what a text counts, less its quotes.
func (r ruler) text(text string) int { return r.inside.Of(text) }

// list returns what a list counts, less its brackets.
func (r ruler) list(list []string) int {
	n := max(len(list)-1, 0) * r.size(',')
	for _, entry := range list {
		n += 2*r.size('"') + r.text(entry)
	}
	return n
}

// inBytes measures what cut says.
var inBytes = rulerOf(render.Bytes)

// member is a text or list that can be cut, and what its value counts, less its quotes or brackets.
type member struct {
	isList bool
	index  int
	size   int
}

// measure returns the members that can be cut.
func (f *fitter) measure() []member {
	members := make([]member, 0, textCount+listCount)
	for i, text := range f.texts {
		members = append(members, member{index: i, size: f.text(text)})
	}
	for i, list := range f.lists {
		members = append(members, member{isList: true, index: i, size: f.list(list)})
	}
	return members
}

// frame returns what the document counts without the values of those members and the context.
func (f *fitter) frame() int {
	empty := document{message: f.message, context: []byte("0")}
	return f.size.Of(string(empty.append(nil))) - f.size('0')
}

// fitsContext reports whether the context needs no cut. It stops looking where it is sure.
func (f *fitter) fitsContext(room int) bool {
	n := 0
	if len(f.context) == 0 {
		n = f.size.Of("{}")
	}
	for rest := f.context; len(rest) > 0 && n <= room; {
		r, width := utf8.DecodeRune(rest)
		n += f.size(r)
		rest = rest[width:]
	}
	return n <= room
}

func (f *fitter) cutContext(room int) {
	var cutter render.Cutter
	context, kept := cutter.AppendValue(nil, f.context, room, f.size)
	f.cuts = append(f.cuts, cut{contextName, len(f.context), len(f.context) - kept})
	f.context = context
}

// cutLongest cuts the longest members to one length, as few as need be. room is what is missing.
func (f *fitter) cutLongest(members []member, room int) {
	slices.SortStableFunc(members, func(a, b member) int { return cmp.Compare(b.size, a.size) })
	share := 0
	for i, m := range members {
		room += m.size - f.markOf(m)
		share = max(room, 0) / (i + 1)
		if i+1 == len(members) || share >= members[i+1].size {
			members = members[:i+1]
			break
		}
	}
	for _, m := range members {
		if m.isList {
			f.cutList(m.index, share)
		} else {
			f.cutText(m.index, share)
		}
	}
}

// mark returns what saying that a member was cut counts at most.
func (f *fitter) mark(field string, original int) int {
	if f.unmarked {
		return 0
	}
	return f.size.Of(string(cut{field, original, original}.append([]byte{','})))
}

func (f *fitter) markOf(m member) int {
	if m.isList {
		return f.mark(listNames[m.index], len("[]")+inBytes.list(f.lists[m.index]))
	}
	return f.mark(textNames[m.index], len(`""`)+inBytes.text(f.texts[m.index]))
}

func (f *fitter) cutText(index, room int) {
	whole := f.texts[index]
	shown, kept := f.beginning(whole, room)
	f.texts[index] = shown
	f.cuts = append(f.cuts, cut{textNames[index], len(`""`) + inBytes.text(whole), inBytes.text(whole[kept:])})
}

// cutList leaves the entries that fit and the beginning of the first that does not.
func (f *fitter) cutList(index, room int) {
	whole := f.lists[index]
	n := 0
	for n < len(whole) && f.list(whole[n:n+1])+f.size(',') <= room {
		room -= f.list(whole[n:n+1]) + f.size(',')
		n++
	}
	left := whole[:n:n]
	bytes := inBytes.list(left)
	if n < len(whole) {
		if shown, kept := f.beginning(whole[n], room-2*f.size('"')); shown != "" {
			left = append(left, shown)
			bytes = inBytes.list(append(whole[:n:n], whole[n][:kept]))
		}
	}
	f.lists[index] = left
	original := len("[]") + inBytes.list(whole)
	f.cuts = append(f.cuts, cut{listNames[index], original, original - len("[]") - bytes})
}

// beginning returns what a text becomes in too little room, and how many bytes of it are left.
func (f *fitter) beginning(text string, room int) (shown string, kept int) {
	var cutter render.Cutter
	shown = cutter.Fit(text, room, f.inside)
	if cutter.Cut() {
		return shown, max(len(shown)-len("…"), 0)
	}
	return shown, len(text)
}
