// SPDX-License-Identifier: MPL-2.0

package webhook

import (
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/alertrouter/terraform-provider-alertrouter/server/destination"
)

// Render writes the alert as a webhook receives it. Every key is always there, texts are complete, and the context is
// the engine's own bytes: marshalling it would change its spelling, so the object is written by hand.
func Render(m *destination.Message) []byte {
	a := m.Alert
	size := 1024 + len(a.Context) + len(a.Title()) + len(a.Description()) + len(a.Runbook()) + len(a.Reference())
	w := writer(make([]byte, 0, size))

	w.text(`{"id":`, a.Detection.ID)
	w.text(`,"createdAt":`, m.CreatedAt.UTC().Format(time.RFC3339Nano))
	w.text(`,"severity":`, string(m.Severity))
	w.text(`,"type":`, string(a.Type))
	w.text(`,"link":`, m.Link)
	w.text(`,"title":`, a.Title())
	w.text(`,"name":`, a.Name())
	w.text(`,"alertId":`, m.AlertID)
	w.raw(`,"alertContext":`, a.Context, "{}")
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
