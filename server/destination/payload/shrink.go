// SPDX-License-Identifier: MPL-2.0

package payload

import (
	"github.com/alertrouter/terraform-provider-alertrouter/server/alert"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/render"
)

// Size returns how large the payload of a message is without a limit, in bytes.
func Size(m *destination.Message) int {
	f := fitter{document: documentOf(m), ruler: rulerOf(render.Bytes)}
	return f.total()
}

// MinPart is the lowest limit on a part of an alert for people, who are told that it is one outside of it.
const MinPart = 1 << 10

// Shrink returns the message with a part of its alert, of at most limit bytes as a payload: for the texts that people read
// and for templates. What goes is what [Render] would leave out; where all is within the limit, or the lowest there is, it
// is the context. What an alert and its repeats are told by stays as it is. forPrograms is the limit on what Render makes of
// the message.
func Shrink(m *destination.Message, limit, forPrograms int) *destination.Message {
	f := fitter{document: documentOf(m), ruler: rulerOf(render.Bytes), unmarked: true}
	whole := f.total()
	f.fit(max(limit, MinPart))
	f.dropContext()
	small := *m
	small.Alert = f.alert(m.Whole(), limit)
	small.Cut = &destination.Cut{Whole: m.Whole(), Left: f.total(), All: whole, Limit: max(forPrograms, MinLimit)}
	return &small
}

// total returns what the document counts.
func (f *fitter) total() int {
	n := f.frame() + len(f.context)
	for _, m := range f.measure() {
		n += m.size
	}
	return n
}

// alert returns the alert with the texts, lists and context of the document.
func (f *fitter) alert(whole *alert.Alert, limit int) *alert.Alert {
	part := *whole
	part.Context, part.LogTypes, part.Detection.Tags = f.context, f.lists[logTypes], f.lists[tags]
	if f.texts[name] != whole.Name() {
		part.Detection.Name = f.texts[name]
	}
	if f.texts[title] != whole.Title() {
		part.Generated.Title = &f.texts[title]
	}
	share := limit / len(f.texts)
	d, g := &part.Detection, &part.Generated
	replace(&d.Description, &g.Description, f.texts[description], share)
	replace(&d.Runbook, &g.Runbook, f.texts[runbook], share)
	replace(&d.Reference, &g.Reference, f.texts[reference], share)
	return &part
}

// replace puts what is left of a text in its place: that of the generated one if there is one. Then the other is for
// templates alone, and has at most a share of the limit.
func replace(static *string, generated **string, left string, share int) {
	if *generated == nil {
		*static = linkOrText(*static, left)
		return
	}
	left = linkOrText(**generated, left)
	var cutter render.Cutter
	*static = linkOrText(*static, cutter.Fit(*static, share, render.Bytes))
	*generated = &left
}

// linkOrText returns what is left of a text, and nothing of an address that is not whole: it would lead elsewhere.
func linkOrText(whole, left string) string {
	if left != whole && (render.URL(whole) != "" || render.URL(left) != "") { // the whole may be too long for one
		return ""
	}
	return left
}
