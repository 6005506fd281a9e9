// SPDX-License-Identifier: MPL-2.0

package email

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	netmail "net/mail"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	gomail "github.com/wneessen/go-mail"

	"github.com/alertrouter/terraform-provider-alertrouter/server/alert"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/render"
)

// mail is an alert as it is sent.
type mail struct {
	deliveryID string
	id         string // the Message-ID
	addresses  addresses
	subject    string
	fields     []field // of the header
	text, html string
	raw        []byte // all of it
	truncated  bool
	notes      []string
	final      func() bool // no smaller one follows where it is too large; nil in a preview
}

type field struct{ name, value string }

// ownFields begins the names of the fields that hold texts from an alert.
const ownFields = "X-Alertrouter-"

// compose writes the mail for an alert.
func (s *sender) compose(m *destination.Message) *mail {
	c := newContent(s.templates.Apply(m), m)
	var short render.Cutter // what it cuts is shown in full below
	subject := "[" + string(m.Severity) + "] " + c.title
	if s.config.SubjectPrefix != "" {
		subject = s.config.SubjectPrefix + " " + subject
	}
	n := &mail{
		deliveryID: m.DeliveryID,
		id:         "<" + identifier(m.DeliveryID) + "@" + s.addresses.domain() + ">",
		addresses:  s.addresses,
		subject:    short.Fit(subject, maxSubject, render.Runes),
		text:       c.asText(),
		html:       c.asHTML(),
		truncated:  c.cutter.Cut(),
		notes:      c.notes,
	}
	n.fields = s.header(n.id, m)
	n.raw = n.encode()
	return n
}

// header returns the fields that are neither addresses nor of MIME.
//
// Mails about the same thing, which is the same detection and dedup, refer to one that was never sent, named after the
// two, so that a reader has them in one thread. Tests are not about anything.
func (s *sender) header(id string, m *destination.Message) []field {
	var short render.Cutter
	text := func(value string) string { return short.Fit(render.Line(value), maxField, render.Runes) }
	fields := []field{
		{"Message-ID", id},
		{"Date", s.env.Now().UTC().Format(time.RFC1123Z)},
		{"Auto-Submitted", "auto-generated"}, // https://www.rfc-editor.org/rfc/rfc3834#section-5
		// All but NDR: that a mail cannot be brought to somebody is worth knowing. See
		// https://learn.microsoft.com/openspecs/exchange_server_protocols/ms-oxcmail/ced68690-498a-4567-9d14-5c01f974d8b1
		{"X-Auto-Response-Suppress", "DR, RN, NRN, OOF, AutoReply"},
		{ownFields + "Alert-Id", text(m.AlertID)},
		{ownFields + "Severity", text(string(m.Severity))},
		{ownFields + "Detection-Id", text(m.Alert.Detection.ID)},
	}
	if !m.Test {
		thread := "<thread." + hash(m.Alert.Detection.ID+"\x00"+m.Alert.Dedup) + "@" + s.addresses.domain() + ">"
		fields = append(fields, field{"References", thread}, field{"In-Reply-To", thread})
	}
	if m.Severity == alert.Critical || m.Severity == alert.High {
		fields = append(fields, field{"Importance", "high"}) // https://www.rfc-editor.org/rfc/rfc4021#section-2.1.54
	}
	return slices.DeleteFunc(fields, func(f field) bool { return f.value == "" })
}

// encode writes the mail as it goes over the wire, the same bytes every time.
func (n *mail) encode() []byte {
	m := gomail.NewMsg(gomail.WithNoDefaultUserAgent(), gomail.WithEncoding(gomail.EncodingQP))
	m.SetBoundary("alertrouter_" + hash(n.id+n.text+n.html)) // no text can hold its own hash
	m.FromMailAddress(n.addresses.from)
	if len(n.addresses.to) > 0 {
		m.ToMailAddress(n.addresses.to...)
	} else if len(n.addresses.cc) == 0 {
		m.SetGenHeader("To", undisclosed)
	}
	if len(n.addresses.cc) > 0 {
		m.CcMailAddress(n.addresses.cc...)
	}
	if n.addresses.replyTo != nil {
		m.ReplyToMailAddress(n.addresses.replyTo)
	}
	m.SetGenHeader(gomail.HeaderSubject, encodeWords(n.subject))
	for _, f := range n.fields {
		value := f.value
		if strings.HasPrefix(f.name, ownFields) { // an id is no text, and the others are ours
			value = encodeWords(value)
		}
		m.SetGenHeader(gomail.Header(f.name), value)
	}
	m.SetBodyString(gomail.TypeTextPlain, n.text)
	m.AddAlternativeString(gomail.TypeTextHTML, n.html)
	var raw bytes.Buffer
	_, _ = m.WriteTo(&raw) // writing to memory does not fail
	return raw.Bytes()
}

// undisclosed stands for recipients nobody is to see: a mail without To is suspicious.
const undisclosed = "undisclosed-recipients:;"

// encodeWords writes a text of one line for a header. What is not ASCII becomes encoded words, and so does what already
// looks like one, which a reader's program would decode (https://www.rfc-editor.org/rfc/rfc2047#section-5), and what has a
// word too long for a line, which ends between words only.
func encodeWords(text string) string {
	tooLong := func(word string) bool { return len(word) >= columns } // a space is before it
	if ascii(text) && !strings.Contains(text, "=?") && !slices.ContainsFunc(strings.Split(text, " "), tooLong) {
		return text
	}
	const room = 45 // bytes in a word of at most 75 characters
	var words []string
	for text != "" {
		end := 0
		for _, r := range text {
			if end+utf8.RuneLen(r) > room {
				break
			}
			end += utf8.RuneLen(r)
		}
		words = append(words, "=?UTF-8?B?"+base64.StdEncoding.EncodeToString([]byte(text[:end]))+"?=")
		text = text[end:]
	}
	return strings.Join(words, " ")
}

// json returns the parts of the mail, as a person reads them.
func (n *mail) json() []byte {
	headers := map[string]string{}
	for _, f := range n.fields {
		headers[f.name] = f.value
	}
	parts := struct {
		From    string            `json:"from"`
		To      []string          `json:"to"`
		Cc      []string          `json:"cc"`
		ReplyTo string            `json:"reply_to"`
		Subject string            `json:"subject"`
		Headers map[string]string `json:"headers"`
		Text    string            `json:"text"`
		HTML    string            `json:"html"`
	}{
		From: show(n.addresses.from), To: showAll(n.addresses.to), Cc: showAll(n.addresses.cc), ReplyTo: show(n.addresses.replyTo),
		Subject: n.subject, Headers: headers, Text: n.text, HTML: n.html,
	}
	body, _ := json.Marshal(parts, json.Deterministic(true), jsontext.AllowInvalidUTF8(true)) // strings can always be encoded
	return body
}

// show returns an address as a person reads it; nil is "".
func show(a *netmail.Address) string {
	switch {
	case a == nil:
		return ""
	case a.Name == "":
		return a.Address
	}
	return a.Name + " <" + a.Address + ">"
}

func showAll(list []*netmail.Address) []string {
	texts := make([]string, len(list))
	for i, a := range list {
		texts[i] = show(a)
	}
	return texts
}

// identifier returns an id as it may stand in a Message-ID: itself, or a hash of what may not.
func identifier(id string) string {
	if local.MatchString(id) && len(id) <= maxLocal && !strings.Contains(id, "=?") { // which a reader's program might decode
		return id
	}
	return hash(id)
}

func hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:16])
}
