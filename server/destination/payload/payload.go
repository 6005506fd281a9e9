// SPDX-License-Identifier: MPL-2.0

// Package payload is an alert as programs get it: the JSON that webhooks, queues and automation platforms are sent.
// docs/schemas/alert-v1.schema.json describes it, and docs/operations/payload.md says how to receive it.
//
//	payload.go   the members, and writing them
//	fit.go       what is left out when there is a limit, and how the payload says so
//	shrink.go    a message with less of its alert, for programs and people
package payload

import (
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/alertrouter/terraform-provider-alertrouter/server/destination"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/render"
)

// SchemaVersion is what every payload calls its form. Its second number rises when members are added; that anything
// else changes there would be another schema.
const SchemaVersion = "1.0"

// MinLimit is the lowest limit that every alert can be brought under; a lower one counts as this.
const MinLimit = 4 << 10

// Render writes an alert within a limit on the whole of it, counted by size; 0 is no limit. Over it, the context is cut
// and stays an object, and only where that is not enough the longest texts are cut as well. The member truncation says
// which, and by how much; cut tells whether there is any. A message that is cut has a limit of its own, in bytes where size
// is nil.
func Render(m *destination.Message, limit int, size render.Size) (body []byte, cut bool) {
	d := documentOf(m)
	if limit = m.Within(limit); limit <= 0 {
		return d.append(nil), false
	}
	if size == nil {
		size = render.Bytes
	}
	f := fitter{document: d, ruler: rulerOf(size)}
	f.fit(max(limit, MinLimit))
	if m.Cut != nil {
		f.dropContext()
	}
	return f.append(nil), len(f.cuts) > 0
}

// document is what a payload says.
type document struct {
	message *destination.Message
	texts   [textCount]string
	lists   [listCount][]string
	context []byte // a JSON object, or none
	cuts    []cut
}

// The texts and lists that an alert can make as long as it likes.
const (
	detectionID = iota
	link
	title
	name
	description
	runbook
	version
	reference
	dedup
	fallbackOf
	textCount
)

const (
	tags = iota
	logTypes
	listCount
)

// What they are called in a payload.
var (
	textNames = [textCount]string{"id", "link", "title", "name", "description", "runbook", "version", "reference", "dedup", "fallbackOf"}
	listNames = [listCount]string{"tags", "logTypes"}
)

const contextName = "alertContext"

func documentOf(m *destination.Message) document {
	a := m.Whole()
	return document{
		message: m,
		texts: [textCount]string{
			detectionID: a.Detection.ID, link: m.Link, title: a.Title(), name: a.Name(), description: a.Description(), runbook: a.Runbook(),
			version: a.Detection.Version, reference: a.Reference(), dedup: a.Dedup, fallbackOf: m.FallbackOf,
		},
		lists:   [listCount][]string{tags: a.Detection.Tags, logTypes: a.LogTypes},
		context: a.Context,
	}
}

// append writes the payload after w. Every key is always there, and the context is the engine's own bytes: marshalling
// it would change its spelling, so the object is written by hand.
func (d *document) append(w writer) []byte {
	m := d.message
	if w == nil {
		w = make([]byte, 0, d.length())
	}
	w.text(`{"schemaVersion":`, SchemaVersion)
	w.text(`,"id":`, d.texts[detectionID])
	w = m.CreatedAt.UTC().AppendFormat(append(w, `,"createdAt":`...), `"`+time.RFC3339Nano+`"`)
	w.text(`,"severity":`, string(m.Severity))
	w.text(`,"type":`, string(m.Alert.Type))
	w.text(`,"link":`, d.texts[link])
	w.text(`,"title":`, d.texts[title])
	w.text(`,"name":`, d.texts[name])
	w.text(`,"alertId":`, m.AlertID)
	w.raw(`,"alertContext":`, d.context, "{}")
	w.text(`,"description":`, d.texts[description])
	w.text(`,"runbook":`, d.texts[runbook])
	w.list(`,"tags":`, d.lists[tags])
	w.text(`,"version":`, d.texts[version])
	w.text(`,"reference":`, d.texts[reference])
	w.text(`,"dedup":`, d.texts[dedup])
	w.list(`,"logTypes":`, d.lists[logTypes])
	w = strconv.AppendBool(append(w, `,"isTest":`...), m.Test)
	w.text(`,"fallbackOf":`, d.texts[fallbackOf])
	return append(appendCuts(append(w, `,"truncation":`...), d.cuts), '}')
}

// length is about how long the payload gets: what has no need of escapes fits.
func (d *document) length() int {
	n := 1024 + len(d.context)
	for _, text := range d.texts {
		n += len(text)
	}
	for _, list := range d.lists {
		for _, entry := range list {
			n += len(entry) + len(`"",`)
		}
	}
	return n
}

// writer is JSON being written.
type writer []byte

func (w *writer) text(key, value string) {
	*w = append(*w, key...)
	*w, _ = jsontext.AppendQuote(*w, value) // its error says that invalid UTF-8 was replaced
}

func (w *writer) list(key string, values []string) {
	*w = append(append(*w, key...), '[')
	for i, v := range values {
		comma := ","
		if i == 0 {
			comma = ""
		}
		w.text(comma, v)
	}
	*w = append(*w, ']')
}

func (w *writer) raw(key string, value []byte, instead string) {
	*w = append(*w, key...)
	if len(value) == 0 {
		*w = append(*w, instead...)
		return
	}
	*w = append(*w, value...)
}
