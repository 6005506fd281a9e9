// SPDX-License-Identifier: MPL-2.0

package amazon

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/alertrouter/terraform-provider-alertrouter/server/destination"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/render"
)

// Attribute is a message attribute: what subscribers and consumers filter by. None has an empty part, which AWS
// refuses: https://docs.aws.amazon.com/sns/latest/api/API_MessageAttributeValue.html
type Attribute struct{ Name, Type, Value string }

// The types of attributes. A queue knows the second as a String with a label.
const (
	text  = "String"
	array = "String.Array"
)

// maxAttribute is where an attribute's value ends, in bytes. AWS has no limit but that of the message; an id that is
// longer is no id, and the message itself has it in full.
const maxAttribute = 2 << 10

// Attributes returns a message's attributes, at most six: a subscription with raw delivery takes ten.
// https://docs.aws.amazon.com/sns/latest/dg/sns-message-attributes.html
func Attributes(m *destination.Message) []Attribute {
	all := []Attribute{
		{"severity", text, string(m.Severity)},
		{"type", text, string(m.Alert.Type)},
		{"detectionId", text, m.Alert.Detection.ID},
		{"logTypes", array, list(m.Alert.LogTypes)},
		{"deliveryId", text, m.DeliveryID},
		{"fallbackOf", text, m.FallbackOf},
	}
	set := all[:0]
	var cutter render.Cutter // what it cuts is not cut in the message
	for _, a := range all {
		a.Value = cutter.Fit(Clean(a.Value), maxAttribute, render.Bytes)
		if !render.Blank(a.Value) {
			set = append(set, a)
		}
	}
	return set
}

// SizeOf is what attributes count towards the limit of a message: all their parts.
func SizeOf(attributes []Attribute) int {
	size := 0
	for _, a := range attributes {
		size += len(a.Name) + len(a.Type) + len(a.Value)
	}
	return size
}

// list writes texts as the JSON array an attribute holds, those that are blank left out, and as many as fit.
func list(texts []string) string {
	var out []byte
	for _, text := range texts {
		if render.Blank(text) {
			continue
		}
		quoted, _ := jsontext.AppendQuote(nil, Clean(text)) // its error says that invalid UTF-8 was replaced
		if len(out)+len(quoted)+len("[]") > maxAttribute {
			break
		}
		out = append(append(out, ','), quoted...)
	}
	if out == nil {
		return ""
	}
	return "[" + string(out[1:]) + "]"
}

// Clean returns text with the characters replaced that may not be in a message: all but those of XML 1.0.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html
func Clean(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' && r != '\t' && r != '\n' && r != '\r' || r == '\ufffe' || r == '\uffff' {
			return utf8.RuneError
		}
		return r // strings.Map has made invalid UTF-8 U+FFFD
	}, text)
}

// The characters that JSON lets stand and XML 1.0 does not.
var noncharacters = strings.NewReplacer("\ufffe", `\ufffe`, "\uffff", `\uffff`)

// CleanJSON returns JSON that means the same and holds only characters that may be in a message. [JSONSize] is its size.
func CleanJSON(body []byte) string {
	if !utf8.Valid(body) {
		body = bytes.ToValidUTF8(body, []byte("\ufffd"))
	}
	return noncharacters.Replace(string(body))
}

// JSONSize counts JSON in bytes, as [CleanJSON] writes it.
func JSONSize(r rune) int {
	if r == '\ufffe' || r == '\uffff' {
		return len(`\ufffe`)
	}
	return render.Bytes(r)
}

// Form is what a user sets about the messages, to a topic as to a queue; a type embeds it in its Config.
type Form struct {
	MessageGroupID  string `json:"message_group_id,omitempty"`  // "": see groupID
	MaxMessageBytes int    `json:"max_message_bytes,omitempty"` // the topic's or queue's MaximumMessageSize
}

// What MaximumMessageSize may be set to here: AWS allows less, of which an alert has no use.
// https://docs.aws.amazon.com/sns/latest/dg/large-message-payloads.html,
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html
const (
	LeastMessage = 16 << 10
	mostMessage  = 1 << 20
)

// Validate reports every wrong field.
func (f Form) Validate(faults *destination.Faults) {
	faults.Optional("/message_group_id", f.MessageGroupID, idFault)
	if f.MaxMessageBytes != 0 && (f.MaxMessageBytes < LeastMessage || f.MaxMessageBytes > mostMessage) {
		faults.Add("/max_message_bytes", "must be %d to %d", LeastMessage, mostMessage)
	}
}

// IDs returns the ids of a message's group and deduplication; nil is none. What is first in, first out wants both.
func (f Form) IDs(m *destination.Message, fifo bool) (group, deduplication *string) {
	if f.MessageGroupID != "" {
		group = &f.MessageGroupID
	}
	if !fifo {
		return group, nil
	}
	id := deduplicationID(m)
	if group == nil {
		other := groupID(m)
		group = &other
	}
	return group, &id
}

// maxID is the longest id of a group or of a deduplication, which are of ASCII letters, digits and punctuation.
// https://docs.aws.amazon.com/sns/latest/api/API_Publish.html
const maxID = 128

// groupID names the group whose messages stay in order: those of one detection, unless the config says otherwise.
func groupID(m *destination.Message) string { return legal(m.Alert.Detection.ID) }

// deduplicationID is what AWS drops repeats by for five minutes: the same at every attempt at a delivery. A test of a
// destination that is not stored has no delivery.
func deduplicationID(m *destination.Message) string {
	if m.DeliveryID == "" {
		return "test_" + strconv.FormatInt(m.CreatedAt.UnixNano(), 36)
	}
	return legal(m.DeliveryID)
}

// legal returns text as an id. One that is none is made of what can be read of it and its hash, so that different texts
// stay different.
func legal(text string) string {
	if legalID(text) {
		return text
	}
	const digits = 32
	sum := sha256.Sum256([]byte(text))
	hash := hex.EncodeToString(sum[:])[:digits]
	var out strings.Builder
	for _, r := range text {
		if out.Len() == maxID-digits-1 {
			break
		}
		if r <= ' ' || r > '~' {
			r = '_'
		}
		out.WriteRune(r)
	}
	return out.String() + "-" + hash
}

// legalID reports whether text can be the id of a group or of a deduplication.
func legalID(text string) bool { return text != "" && len(text) <= maxID && destination.Visible(text) }

// idFault is the fault of a text that is not legalID.
func idFault(text string) string {
	if !legalID(text) {
		return "must be 1 to 128 ASCII letters, digits and punctuation, without spaces"
	}
	return ""
}
