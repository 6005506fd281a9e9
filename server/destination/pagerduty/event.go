// SPDX-License-Identifier: MPL-2.0

package pagerduty

import (
	"bytes"
	"errors"
	"io"
	"strconv"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/alertrouter/terraform-provider-alertrouter/server/alert"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/render"
)

// PagerDuty's limits: https://developer.pagerduty.com/docs/events-api-v2/trigger-events#parameters
const (
	maxSummary  = 1024 // characters; which are not said, so UTF-16, of which there are never fewer
	maxDedupKey = 255  // characters
	maxEvent    = 512_000
)

// How an event is shared out, in bytes of JSON. Together the texts leave more than half of it for the context.
const (
	maxLabel = 1 << 10  // a single name
	maxText  = 16 << 10 // a description
	maxList  = 50       // entries
	maxURL   = 4 << 10
)

type event struct {
	RoutingKey string   `json:"routing_key"`
	Action     string   `json:"event_action"`
	DedupKey   string   `json:"dedup_key"`
	Payload    *payload `json:"payload,omitzero"`
	Client     string   `json:"client,omitzero"`
	ClientURL  string   `json:"client_url,omitzero"`
	Links      []link   `json:"links,omitempty"`
}

type payload struct {
	Summary   string  `json:"summary"`
	Source    string  `json:"source"`
	Severity  string  `json:"severity"`
	Timestamp string  `json:"timestamp,omitzero"`
	Component string  `json:"component,omitzero"`
	Group     string  `json:"group,omitzero"`
	Class     string  `json:"class,omitzero"`
	Details   details `json:"custom_details"`
}

type link struct {
	Href string `json:"href"`
	Text string `json:"text"`
}

// Render writes the event that triggers an incident and reports whether something was cut.
func Render(c Config, m *destination.Message) (body []byte, cut bool) {
	var cutter render.Cutter
	label := func(text string) string { return cutter.Fit(render.Line(text), maxLabel, render.JSON) }
	a := m.Alert
	ev := event{
		RoutingKey: c.RoutingKey.Reveal(),
		Action:     "trigger",
		DedupKey:   dedupKey(m),
		Client:     c.Client,
		ClientURL:  linkURL(m.Link),
		Links:      links(m),
		Payload: &payload{
			Summary:   cutter.Fit(render.Title(m), maxSummary, render.UTF16),
			Source:    label(render.FirstLine(render.List(a.LogTypes), a.Detection.ID, m.AlertID, "unknown")),
			Severity:  c.severity(m),
			Component: label(a.Detection.ID),
			Group:     label(a.Dedup),
			Class:     string(a.Type),
			Details:   describe(&cutter, c.CustomDetails, m),
		},
	}
	if !m.CreatedAt.IsZero() {
		ev.Payload.Timestamp = m.CreatedAt.UTC().Format("2006-01-02T15:04:05.000Z07:00")
	}
	return withContext(&cutter, ev, a), cutter.Cut()
}

// renderResolve writes the event that resolves what Render triggers.
func renderResolve(c Config, m *destination.Message) []byte {
	return encode(event{RoutingKey: c.RoutingKey.Reveal(), Action: "resolve", DedupKey: dedupKey(m)})
}

// withContext adds the context as an object where the whole event stays within the limit and every reader can take it, and
// else as text, which ends with a note where it is cut.
func withContext(cutter *render.Cutter, ev event, a *alert.Alert) []byte {
	bare := ev.Payload.Details
	if len(a.Context) == 0 || bare.has("context") {
		return encode(ev)
	}
	if object := acceptable(a.Context); object != nil {
		ev.Payload.Details = bare.with("context", object)
		if body := encode(ev); len(body) > 0 && len(body) < maxEvent {
			return body
		}
	}
	ev.Payload.Details = bare
	const member = len(`,"context":""`)
	room := maxEvent - 1 - len(encode(ev)) - member
	text, _ := jsontext.AppendQuote(nil, cutter.Context(a.Context, room, render.JSON))
	ev.Payload.Details = bare.with("context", jsontext.Value(text))
	return encode(ev)
}

// maxDepth is how deep a context may be as an object; ours.
const maxDepth = 100

// acceptable returns the context as an object that every reader of JSON takes and reads the same, since an event that one
// refuses would page nobody: its texts are cleaned, and a number that is no float64 is a text
// (https://www.rfc-editor.org/rfc/rfc7493#section-2). It is nil for one that is too deep or too long, or has a name twice.
func acceptable(context []byte) jsontext.Value {
	if len(context) >= maxEvent {
		return nil
	}
	in := jsontext.NewDecoder(bytes.NewReader(context), jsontext.AllowInvalidUTF8(true))
	var out bytes.Buffer
	object := jsontext.NewEncoder(&out)
	for {
		token, err := in.ReadToken()
		if errors.Is(err, io.EOF) {
			return bytes.TrimSpace(out.Bytes())
		}
		if err != nil || in.StackDepth() > maxDepth {
			return nil
		}
		switch token.Kind() {
		case '"':
			token = jsontext.String(render.Clean(token.String()))
		case '0':
			if text := token.String(); !isFloat(text) {
				token = jsontext.String(text)
			}
		}
		if object.WriteToken(token) != nil {
			return nil
		}
	}
}

func isFloat(number string) bool {
	_, err := strconv.ParseFloat(number, 64)
	return err == nil
}

// dedupKey returns the key PagerDuty folds repeats by.
func dedupKey(m *destination.Message) string {
	return m.FoldKey(func(key string) bool { return len(key) <= maxDedupKey })
}

// severities are PagerDuty's usual words.
var severities = map[alert.Severity]string{
	alert.Critical: "critical", alert.High: "error", alert.Medium: "warning", alert.Low: "info", alert.Info: "info",
}

// severity returns the word that is set for the severity, or the usual one. A test is never worse than info: it is to
// show that an incident arrives, not to wake somebody.
func (c Config) severity(m *destination.Message) string {
	if m.Test {
		return "info"
	}
	if word := c.SeverityMap[m.Severity]; word != "" {
		return word
	}
	return severities[m.Severity]
}

func links(m *destination.Message) []link {
	var links []link
	for _, l := range []link{
		{m.Link, "View alert"},
		{m.Alert.Runbook(), "Runbook"},
		{m.Alert.Reference(), "Reference"},
	} {
		if l.Href = linkURL(l.Href); l.Href != "" {
			links = append(links, l)
		}
	}
	return links
}

func linkURL(text string) string {
	if url := render.URL(text); len(url) <= maxURL {
		return url
	}
	return ""
}

// encode returns nil for a context that is not JSON, which an accepted alert does not have.
func encode(ev event) []byte {
	body, err := json.Marshal(ev, jsontext.AllowInvalidUTF8(true), jsontext.AllowDuplicateNames(true))
	if err != nil {
		return nil
	}
	return body
}
