// SPDX-License-Identifier: MPL-2.0

// Package payload is an alert as programs get it: the JSON that webhooks, queues and automation platforms are sent.
package payload

import (
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/alertrouter/terraform-provider-alertrouter/server/destination"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/render"
)

// Render writes an alert within a limit, counted by size; 0 is no limit. cut tells whether the context had to go to fit.
func Render(m *destination.Message, limit int, size render.Size) (body []byte, cut bool) {
	body = write(m, m.Alert.Context)
	if limit <= 0 || size.Of(string(body)) <= limit {
		return body, false
	}
	return write(m, nil), true
}

// write writes the alert. Every key is always there, texts are complete, and the context is
// the engine's own bytes: marshalling it would change its spelling, so the object is written by hand.
func write(m *destination.Message, context []byte) []byte {
	a := m.Alert
	size := 1024 + len(context) + len(a.Title()) + len(a.Description()) + len(a.Runbook()) + len(a.Reference())
	w := writer(make([]byte, 0, size))

	w.text(`{"id":`, a.Detection.ID)
	w.text(`,"createdAt":`, m.CreatedAt.UTC().Format(time.RFC3339Nano))
	w.text(`,"severity":`, string(m.Severity))
	w.text(`,"type":`, string(a.Type))
	w.text(`,"link":`, m.Link)
	w.text(`,"title":`, a.Title())
	w.text(`,"name":`, a.Name())
	w.text(`,"alertId":`, m.AlertID)
	w.raw(`,"alertContext":`, context, "{}")
	w.text(`,"description":`, a.Description())
	w.text(`,"runbook":`, a.Runbook())
	w.list(`,"tags":`, a.Detection.Tags)
	w.text(`,"version":`, a.Detection.Version)
	w.text(`,"reference":`, a.Reference())
	w.text(`,"dedup":`, a.Dedup)
	w.list(`,"logTypes":`, a.LogTypes)
	if m.Test {
		return append(w, `,"isTest":true}`...)
	}
	return append(w, `,"isTest":false}`...)
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
